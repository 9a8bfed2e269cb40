// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// The connection's side of its stream: the readiness that it awaits, and reads that are counted.

extension PipeConnection: ByteStreamHandler {
    package var awaitsInput: Bool { interest.watchesInput && lifecycle.state != .closed }
    package var awaitsOutput: Bool { interest.awaitsWritability && lifecycle.canWrite }
    package var awaitsHangUp: Bool { interest.watchesOutput && lifecycle.state == .finished }
}

extension PipeConnection {
    /// One read, whatever the stream's kind; see ``ByteStream/receive(into:_:_:)``.
    func receive(
        into first: UnsafeMutableRawBufferPointer,
        _ second: UnsafeMutableRawBufferPointer = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0),
        _ third: UnsafeMutableRawBufferPointer = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    ) throws(SystemError) -> ReadOutcome<Int> {
        let outcome = try unsafe stream.receive(into: first, second, third)
        endpoint.traffic.receivedByteCount &+= outcome.byteCount
        return outcome
    }
}
