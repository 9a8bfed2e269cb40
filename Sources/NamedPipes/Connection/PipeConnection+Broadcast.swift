// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// One frame for many: encoded once, written at once where nothing waits, and shared where something does.

extension PipeConnection {
    /// Sends a frame that is already encoded. Where nothing is queued, the kernel gets it now: a queue, a place in the turn
    /// and a second look at the connection would cost as much as the write itself.
    func send(encoded frame: SharedBytes) throws(PipeError) -> SendVerdict {
        guard queue == nil, lifecycle.canSend else {
            _ = try append(frame)
            return didQueue()
        }
        let written = Result { () throws(SystemError) in
            try unsafe frame.bytes.withUnsafeBytes { bytes throws(SystemError) in
                try unsafe Socket.send(descriptor, bytes)
            }
        }
        if case .success(frame.bytes.byteCount) = written { return .accepted }
        // What did not leave is queued, also where nothing will: then it counts as a message that was not sent.
        let queue = try append(frame)
        do {
            try didWrite(try written.get() ?? 0, of: queue)
        } catch {
            outputDidFail(error)
        }
        return didQueue()
    }

    private func append(_ frame: SharedBytes) throws(PipeError) -> SendQueueSlot {
        let count = frame.bytes.byteCount
        let queue = try queueWithRoom(for: count)
        if count < TransferBuffers.inPlaceByteCount {
            frame.withBytes { queue.value.bytes.append(contentsOf: $0) }
        } else {
            _ = unsafe frame.bytes.withUnsafeBytes { body in
                unsafe queue.value.append(inPlace: body, frame) { _ in FrameEnvelope() }
            }
        }
        return queue
    }
}
