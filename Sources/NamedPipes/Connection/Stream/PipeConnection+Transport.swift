// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// A connection over memory instead of a socket. It goes the ways that are unusual anyway, so that the usual one does not ask:
// its flags send it to the guarded reads, and its writes leave in `flush()`.

extension PipeConnection {
    /// Whether there is a transport instead of a socket.
    var isOverTransport: Bool { flags.contains(.overTransport) }

    var transport: (any PipeTransport)? { extrasInUse?.transport }

    /// Whether it is to be told of what can be read, for as long as there is something.
    package var awaitsInput: Bool { flags.contains(.registered) && lifecycle.state != .closed }

    /// Whether it is to be told of room, once, when there is some.
    package var awaitsOutput: Bool { flags.contains(.awaitingWritability) && lifecycle.canWrite }

    /// Whether it is to be told, once, that its peer has gone altogether.
    package var awaitsHangUp: Bool { flags.contains(.watchingOutput) && lifecycle.state == .finished }

    /// What epoll would say. From the loop, never inside a callback.
    package func transportDidBecomeReady(_ readiness: Readiness) { handle(readiness) }

    func receive(
        _ transport: any PipeTransport, into space: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> ReadOutcome<Int> {
        try transport.receive(atMost: space.count).map { bytes in
            unsafe space.copyBytes(from: bytes)
            return bytes.count
        }
    }

    /// What ``write(_:)`` does with a socket.
    func writeToTransport(_ queue: SendQueueSlot) {
        guard let transport else { return }
        do {
            let bytes = GatherList.copying(atMost: min(queue.value.byteCount, 256 << 10)) {
                queue.value.gather(into: &$0)
            }
            let taken = try transport.send(bytes.span)
            endpoint.traffic.sentByteCount &+= taken ?? 0
            guard taken == queue.value.byteCount else { return try didWrite(taken ?? 0, of: queue) }
        } catch {
            return outputDidFail(error)
        }
        didWriteAll()
    }
}
