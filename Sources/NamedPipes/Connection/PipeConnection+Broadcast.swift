// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// One frame for many: encoded once, written at once where nothing waits, and shared where something does.

extension PipeConnection {
    /// Sends a frame that is already encoded. Where nothing is queued, the kernel gets it now: a queue, a place in the turn
    /// and a second look at the connection would cost as much as the write itself.
    func send(encoded frame: SharedBytes) throws(PipeError) -> SendVerdict {
        guard queue == nil, lifecycle.canSend, !isOverTransport else {
            let room = try room(for: frame)
            guard let queue = room.queue else { return .dropped }
            append(frame, to: queue)
            if frame.bytes.byteCount >= TransferBuffers.inPlaceByteCount { payForGrowth(of: queue) }
            return didQueue(inPlaceOf: room.droppedMessageCount)
        }
        noteActivity()
        let written = Result { () throws(SystemError) in
            try unsafe frame.bytes.withUnsafeBytes { bytes throws(SystemError) in
                try unsafe Socket.send(descriptor, bytes)
            }
        }
        if case .success(let count?) = written { host.traffic.sentByteCount &+= count }
        switch written {
        case .success(frame.bytes.byteCount):
            host.traffic.acceptedMessageCount &+= 1
            return .accepted
        case .success(.some):
            // Begun, thus not to be refused any more.
            _ = takeQueue()
        case .success(nil), .failure:
            guard try room(for: frame).queue != nil else { return .dropped }
        }
        guard let queue else { return .accepted }
        // What did not leave is queued, also where nothing will: then it counts as a message that was not sent. It is paid
        // for once it is known what has left, because that may end the connection, which counts what is unsent.
        append(frame, to: queue)
        do {
            try didWrite(try written.get() ?? 0, of: queue)
        } catch {
            outputDidFail(error)
        }
        return didQueue()
    }

    private func room(for frame: SharedBytes) throws(PipeError) -> QueueRoom {
        let count = frame.bytes.byteCount
        return try room(for: count) { () throws(FramingError) in count }
    }

    private func append(_ frame: SharedBytes, to queue: SendQueueSlot) {
        if frame.bytes.byteCount < TransferBuffers.inPlaceByteCount {
            frame.withBytes { queue.value.bytes.append(contentsOf: $0) }
        } else {
            _ = unsafe frame.bytes.withUnsafeBytes { body in
                unsafe queue.value.append(inPlace: body, frame, capacity: frame.bytes.capacity) { _ in FrameEnvelope() }
            }
        }
        host.traffic.acceptedMessageCount &+= 1
    }
}
