// SPDX-License-Identifier: Apache-2.0

/// Why bytes are no JSON value, or none that is accepted.
@nonexhaustive
public enum JSONSyntaxError: Error, Hashable, Sendable {
    /// They are not UTF-8.
    case notUTF8

    /// At this byte, counted from 0, something else had to stand.
    case unexpectedByte(offset: Int)

    /// They end in the middle of the value.
    case unexpectedEnd

    /// Arrays and objects lie in each other more deeply than that.
    case tooDeep(limit: Int)
}
