// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// From bytes in memory to whole messages at the delegate. What is left of the bytes is carried to the next read.
//
// Bytes are decoded where they lie: in the receive buffer, or in the memory of a carried frame. Both ways lead through
// one function, `scan`, which calls the delegate.

extension PipeConnection {
    /// Decodes what a read brought, place by place, in the order of the stream.
    func decode(_ arrival: ReadPlan.Arrival, _ plan: ReadPlan, _ budget: inout Int) {
        let space = unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(endpoint.readSpace))
        if let reassembly, plan.copiedByteCount > 0 {
            let (scanned, began) = (reassembly.scannedByteCount, reassembly.beganTick)
            letGoOfCarried(reassembly)
            let all = space.extracting(first: plan.copiedByteCount + arrival.sharedByteCount)
            return decode(all, scanned, began: began, &budget)
        }
        if let reassembly, arrival.mayCompleteFrame { decodeCarried(reassembly, &budget) }
        guard arrival.sharedByteCount > 0 else { return }
        decodeBehindCarried(space.extracting(first: arrival.sharedByteCount), &budget)
    }

    /// Decodes bytes in the receive buffer, in front of which nothing is carried, and carries the rest.
    ///
    /// - Parameter began: when the first frame's first byte arrived, if that was in an earlier read.
    @inline(__always)
    func decode(_ bytes: Span<UInt8>, _ scannedByteCount: Int, began: UInt32? = nil, _ budget: inout Int) {
        guard let walk = scan(bytes, scannedByteCount, &budget) else { return }
        guard walk.consumedByteCount < bytes.count, lifecycle.isReceiving else { return }
        carry(bytes.extracting(droppingFirst: walk.consumedByteCount), walk, walk.consumedByteCount == 0 ? began : nil)
    }

    /// Decodes what is carried, in place, and lets go of it once all is delivered. The rest stays carried, and is
    /// charged for.
    func decodeCarried(_ carried: ReassemblyBuffer, _ budget: inout Int) {
        if mayDeliver(budget) {
            // A message that is kept or sent on may stay where it is.
            endpoint.buffers.deliveredMemory = carried.memory
            let result = carried.memory.withBytes { scan($0, carried.scannedByteCount, &budget) }
            endpoint.buffers.deliveredMemory = nil
            if let result { carried.didDecode(result, at: endpoint.tick) }
        } else {
            carried.mayHoldFrames = true
        }
        guard reassembly === carried else { return }
        guard carried.byteCount > 0, lifecycle.isReceiving else { return letGoOfCarried(carried) }
        chargeReassembly()
    }

    /// Decodes what was read together with the end of a carried frame. If that frame's delivery stopped the decoding,
    /// these bytes wait behind it.
    private func decodeBehindCarried(_ bytes: Span<UInt8>, _ budget: inout Int) {
        guard lifecycle.isReceiving else { return }
        if let reassembly {
            reassembly.append(bytes)
            decodeCarried(reassembly, &budget)
        } else if mayDeliver(budget) {
            decode(bytes, 0, &budget)
        } else {
            carry(bytes, FrameWalk(stoppedAfter: 0), nil)
        }
    }

    /// Decodes what was read into the memory of a predicted frame. The unfinished rest stays there, unless the frames
    /// before were of another size: then the receive buffer ended in a beginning that comes before these bytes.
    func decode(predicted: ReassemblyBuffer, _ budget: inout Int) {
        predicted.frameByteCount = nil
        if predicted.byteCount > 0, lifecycle.isReceiving, reassembly == nil {
            hold(predicted, since: endpoint.tick)
            return decodeCarried(predicted, &budget)
        }
        if predicted.byteCount > 0 { predicted.memory.withBytes { decodeBehindCarried($0, &budget) } }
        endpoint.buffers.recycle(predicted)
    }

    /// Carries bytes of the receive buffer beyond this read.
    @inline(never)
    private func carry(_ bytes: Span<UInt8>, _ walk: FrameWalk, _ began: UInt32?) {
        let rest = endpoint.buffers.borrowReassembly()
        rest.frameByteCount = walk.frameByteCount
        rest.moveToLargeMemory(atMost: mostToHold())
        rest.append(bytes)
        rest.note(walk)
        hold(rest, since: began ?? endpoint.tick)
        chargeReassembly()
    }

    /// Carries a buffer from now on. A charge follows, once it is known how much stays.
    private func hold(_ rest: ReassemblyBuffer, since tick: UInt32) {
        rest.beganTick = tick
        reassembly = rest
        if endpoint.deadlines.watchesFrames { endpoint.watchDeadlines() }
    }

    private func letGoOfCarried(_ carried: ReassemblyBuffer) {
        reassembly = nil
        endpoint.buffers.recycle(carried)
    }

    /// Hands message after message to the delegate, until the bytes, the budget or the connection's will ends.
    ///
    /// - Returns: how far it came; nil if the framing rejects the bytes, with which the connection begins to close.
    @inline(__always)
    private func scan(_ bytes: Span<UInt8>, _ scannedByteCount: Int, _ budget: inout Int) -> FrameWalk? {
        guard let delegate = endpoint.delegate else { return nil }
        var remaining = budget
        defer {
            endpoint.traffic.receivedMessageCount &+= budget &- remaining
            budget = remaining
        }
        do {
            // Twice the same: the first is inlined, which a shared closure would prevent.
            if let framing = endpoint.codec.lengthPrefix {
                return try framing.scanFrames(in: bytes, scannedByteCount: scannedByteCount) { message in
                    delegate.connection(self, didReceive: message)
                    remaining &-= 1
                    return mayDeliver(remaining)
                }
            }
            return try endpoint.framing.scanFrames(in: bytes, scannedByteCount: scannedByteCount) { message in
                delegate.connection(self, didReceive: message)
                remaining &-= 1
                return mayDeliver(remaining)
            }
        } catch {
            beginClose(.framing(error))
            return nil
        }
    }

    /// Whether the next message may be delivered now; asked again after every call into the owner's code.
    @inline(__always)
    func mayDeliver(_ budget: Int) -> Bool { budget > 0 && lifecycle.isReceiving && !flow.isPaused }
}
