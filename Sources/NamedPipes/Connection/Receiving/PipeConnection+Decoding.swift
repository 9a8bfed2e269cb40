// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// From bytes in memory to whole messages at the delegate. Bytes that are not decoded are carried to the next read.
//
// Bytes are decoded in place: in the receive buffer, or in a reassembly buffer. In both cases, `scan` finds the frames
// and calls the delegate.

extension PipeConnection {
    /// Decodes the bytes of one read, place by place, in the order of the stream.
    ///
    /// - Parameter predicted: the third place, if the plan has one.
    func decode(
        _ arrival: ReadPlan.Arrival, _ plan: ReadPlan, _ predicted: ReassemblyBuffer?, _ budget: inout Int
    ) {
        let space = unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(endpoint.readBuffer))
        if let reassembly, plan.copiedByteCount > 0 {
            guard arrival.sharedByteCount > 0 else { return }
            // Its bytes stand in the receive buffer by now.
            let (scanned, began) = (reassembly.scannedByteCount, reassembly.beganTick)
            releaseCarried()
            let all = space.extracting(first: plan.copiedByteCount + arrival.sharedByteCount)
            return decode(all, scanned, began: began, by: terms, for: endpoint.batchReceiver, &budget)
        }
        if let reassembly, arrival.mayCompleteFrame { decodeCarried(reassembly, &budget) }
        if arrival.sharedByteCount > 0 {
            decodeBehindCarried(space.extracting(first: arrival.sharedByteCount), &budget)
        }
        if let predicted { decodePredicted(predicted, &budget) }
    }

    /// Decodes bytes that no carried bytes precede, and carries the rest.
    ///
    /// - Parameters:
    ///   - began: the tick at which the first byte of the first frame arrived, if an earlier read brought it.
    ///   - terms: those of an upgraded connection.
    ///   - receiver: gets the messages in place of the delegate; nil in the fast path of delegates, which thus asks for
    ///     the delegate only once something was read (45 instructions of a lone message).
    @inline(__always)
    func decode(
        _ bytes: Span<UInt8>, _ scannedByteCount: Int, began: UInt32? = nil, by terms: ConnectionTerms? = nil,
        for receiver: BatchReceiver?, _ budget: inout Int
    ) {
        guard let walk = scan(bytes, scannedByteCount, terms, receiver, &budget) else { return }
        guard walk.consumedByteCount < bytes.count, lifecycle.isReceiving else { return }
        carry(bytes.extracting(droppingFirst: walk.consumedByteCount), walk, walk.consumedByteCount == 0 ? began : nil)
    }

    /// Decodes the carried bytes in place. The rest stays carried, and is charged for. Without a rest, the buffer is
    /// recycled.
    func decodeCarried(_ carried: ReassemblyBuffer, _ budget: inout Int) {
        if mayDeliver(budget) {
            // A message that the delegate keeps or sends on can stay in this memory.
            endpoint.buffers.deliveredMemory = carried.memory
            let result = carried.memory.withBytes {
                scan($0, carried.scannedByteCount, terms, endpoint.batchReceiver, &budget)
            }
            endpoint.buffers.deliveredMemory = nil
            if let result { carried.didDecode(result, at: endpoint.tick) }
        } else {
            carried.mayHoldFrames = true
        }
        guard reassembly === carried else { return }
        guard carried.byteCount > 0, lifecycle.isReceiving else { return releaseCarried() }
        chargeReassembly()
    }

    /// Decodes bytes that were read behind the carried ones. If some of those are still carried, these are appended to
    /// them. If nothing may be delivered now, these are carried.
    private func decodeBehindCarried(_ bytes: Span<UInt8>, _ budget: inout Int) {
        guard lifecycle.isReceiving else { return }
        if let reassembly {
            reassembly.append(bytes, atMost: mostToHold(instead: reassembly.charge.byteCount)) {
                pay(for: $0, of: reassembly)
            }
            decodeCarried(reassembly, &budget)
        } else if mayDeliver(budget) {
            decode(bytes, 0, by: terms, for: endpoint.batchReceiver, &budget)
        } else {
            carry(bytes, FrameWalk(stoppedAfter: 0), nil)
        }
    }

    /// Decodes the bytes that were read into the memory of a predicted frame. A partial frame stays in that memory.
    /// After a wrong prediction, a partial frame at the end of the receive buffer may precede these bytes, which are
    /// then copied behind it.
    private func decodePredicted(_ predicted: ReassemblyBuffer, _ budget: inout Int) {
        let (predictedByteCount, arrivedByteCount) = (predicted.frameByteCount, predicted.byteCount)
        predicted.frameByteCount = nil
        guard arrivedByteCount > 0 else { return endpoint.buffers.recycle(predicted) }
        if lifecycle.isReceiving, reassembly == nil {
            hold(predicted, since: endpoint.tick)
            decodeCarried(predicted, &budget)
            // Nil if the size is not known yet: the header has not arrived, or nothing may be delivered now.
            let found = reassembly === predicted ? predicted.frameByteCount : arrivedByteCount
            if let found { endpoint.predictions.note(wasRight: found == predictedByteCount) }
        } else {
            // Carried bytes precede these: the frame began elsewhere, but its size may be the predicted one.
            if let reassembly, !reassembly.mayHoldFrames, let found = reassembly.frameByteCount {
                endpoint.predictions.note(wasRight: found == predictedByteCount)
            }
            predicted.memory.withBytes { decodeBehindCarried($0, &budget) }
            endpoint.buffers.recycle(predicted)
        }
    }

    /// Copies bytes to a reassembly buffer, which carries them to the next read.
    @inline(never)
    func carry(_ bytes: Span<UInt8>, _ walk: FrameWalk, _ began: UInt32?) {
        let rest = endpoint.buffers.borrowReassembly()
        rest.frameByteCount = walk.frameByteCount
        rest.moveToLargeMemory(atMost: mostToHold()) { pay(for: $0, of: rest) }
        rest.append(bytes, atMost: mostToHold(instead: rest.charge.byteCount)) { pay(for: $0, of: rest) }
        rest.note(walk)
        hold(rest, since: began ?? endpoint.tick)
        chargeReassembly()
    }

    /// Carries a buffer from now on. The caller charges for it, once it is known how many bytes stay.
    private func hold(_ rest: ReassemblyBuffer, since tick: UInt32) {
        rest.beganTick = tick
        reassembly = rest
        if endpoint.deadlines.watchesFrames { endpoint.watchDeadlines() }
    }

    /// Carries nothing any more: the charge goes, and so does the memory.
    func releaseCarried() {
        guard let reassembly else { return }
        self.reassembly = nil
        endpoint.buffers.recycle(reassembly)
    }

    /// Delivers one message after the other, until the bytes or the budget are used up, or the connection may deliver
    /// no more.
    ///
    /// - Returns: how far decoding came; nil if the framing rejected the bytes, so that the connection begins to close,
    ///   or if there is no delegate.
    @inline(__always)
    private func scan(
        _ bytes: Span<UInt8>, _ scannedByteCount: Int, _ terms: ConnectionTerms?,
        _ receiver: BatchReceiver?, _ budget: inout Int
    ) -> FrameWalk? {
        guard let delegate: any PipeConnectionDelegate = receiver ?? endpoint.delegate else { return nil }
        var remaining = budget
        defer {
            endpoint.traffic.receivedMessageCount &+= budget &- remaining
            budget = remaining
        }
        do {
            // The same code twice: the first is inlined, which a shared closure would prevent.
            if terms == nil, let framing = endpoint.codec.lengthPrefix {
                return try framing.scanFrames(in: bytes, scannedByteCount: scannedByteCount) { message in
                    delegate.connection(self, didReceive: message)
                    remaining &-= 1
                    return mayDeliver(remaining)
                }
            }
            if let announcing = codec.announcing {
                return try scanAnnounced(bytes, scannedByteCount, announcing, delegate, &remaining)
            }
            let framing = terms?.codec.framing ?? endpoint.framing
            return try framing.scanFrames(in: bytes, scannedByteCount: scannedByteCount) { message in
                delegate.connection(self, didReceive: message)
                remaining &-= 1
                return mayDeliver(remaining)
            }
        } catch {
            beginClose(.framing(error))
            return nil
        }
    }

    /// Whether the next message may be delivered now. Asked again after every call of the delegate, which may change
    /// the answer.
    @inline(__always)
    func mayDeliver(_ budget: Int) -> Bool { budget > 0 && lifecycle.isReceiving && !flow.isPaused }
}
