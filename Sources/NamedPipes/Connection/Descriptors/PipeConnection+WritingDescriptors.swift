// SPDX-License-Identifier: Apache-2.0
internal import var Glibc.EPERM
internal import var Glibc.ETOOMANYREFS
internal import PipeReactor

// The kernel attaches descriptors to the first byte of a write. So each message with descriptors begins a write of its
// own, and a write that the kernel cut short does not pass them again.

extension PipeConnection {
    /// The number of writes of one turn; the rest follows in the next one.
    private static let descriptorWritesPerTurn = 64

    /// Writes a queue that has messages with descriptors, up to each of them and from each of them on.
    func writeWithDescriptors(_ queue: SendQueueSlot) throws(SystemError) {
        // Too many are on their way: nothing is written before the next attempt.
        if rareIfAny?.descriptors?.retryTimer != nil { return }
        for _ in 0..<Self.descriptorWritesPerTurn {
            var offered = 0
            let count = try writeOnce(queue, &offered)
            guard let count else { return }
            countWrite(count, of: queue)
            if count < offered || count == queue.value.byteCount { return try kernelDidTake(count, of: queue) }
            endpoint.traffic.sentByteCount &+= count
            noteWritten(count, of: queue)
        }
        // epoll reports at once that there is room.
        try kernelDidTake(0, of: queue)
    }

    /// One write of what goes out together.
    ///
    /// - Returns: how many bytes the kernel took of those that it was offered; nil if it takes no descriptors now, or
    ///   the connection has ended because it never will.
    private func writeOnce(_ queue: SendQueueSlot, _ offered: inout Int) throws(SystemError) -> Int? {
        guard let message = queue.value.leadingDescriptorFrame else {
            return try stream.send {
                queue.value.gather(into: &$0)
                offered = $0.byteCount
            } ?? 0
        }
        do {
            let count = try stream.send(passing: message.numbers) {
                queue.value.gather(into: &$0)
                offered = $0.byteCount
            }
            descriptorTraffic.retries.reset()
            if count != nil { message.didSend() }
            return count ?? 0
        } catch let error where error.code == ETOOMANYREFS {
            tryAgainLater()
        } catch let error where error.code == EPERM {
            end(.descriptors(.refusedByPeer))
        }
        return nil
    }

    private func tryAgainLater() {
        let traffic = descriptorTraffic
        guard let delay = traffic.retries.next() else { return end(.descriptors(.tooManyOnTheirWay)) }
        if let queue { chargeGrowth(of: queue) }
        // A budget without room has ended the connection, and with it the attempts.
        guard lifecycle.state != .closed else { return }
        traffic.retryTimer = endpoint.reactor.schedule(after: delay) { [unowned self] in
            traffic.retryTimer = nil
            turn.want()
            schedule()
        }
    }
}

extension ByteStream {
    /// One write of several pieces that passes descriptors with its first byte (`SCM_RIGHTS`, unix(7)). For sockets.
    func send(passing numbers: [Int32], _ fill: (inout GatherList) -> Void) throws(SystemError) -> Int? {
        try Socket.send(descriptor, passing: numbers, gathering: fill)
    }
}
