// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// The connection's side of its stream: the readiness that it awaits.

extension PipeConnection: ByteStreamHandler {
    package var awaitsInput: Bool { interest.watchesInput && lifecycle.state != .closed }
    package var awaitsOutput: Bool { interest.awaitsWritability && lifecycle.canWrite }
    /// What carries the bytes, if it is not a socket.
    package var transport: (any PipeTransport)? { stream.transport }

    package var awaitsHangUp: Bool { interest.watchesOutput && lifecycle.state == .finished }
}
