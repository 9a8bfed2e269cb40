// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

extension AsyncPipeConnection {
    /// Whether messages are what lies between delimiters, so that a blank line is a message without bytes.
    package var isDelimited: Bool { unsafe state.connection.host.framing is DelimiterFraming }
}
