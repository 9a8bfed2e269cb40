// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// The connection's side of its stream: the readiness that it awaits.

extension PipeConnection: ByteStreamHandler {
    package var awaitsInput: Bool { interest.watchesInput && lifecycle.state != .closed }
    package var awaitsOutput: Bool { interest.awaitsWritability && lifecycle.canWrite }
    package var awaitsHangUp: Bool { interest.watchesOutput && lifecycle.state == .finished }
}
