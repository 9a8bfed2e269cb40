// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// From bytes in memory to whole messages at the delegate. What is left of the bytes is carried to the next read.

extension PipeConnection {
    /// Delivers the whole frames of what was read and carries the rest.
    ///
    /// - Parameter began: when the first frame's first byte arrived, if that was in an earlier read.
    @inline(__always)
    func walk(
        _ bytes: UnsafeRawBufferPointer, _ scannedByteCount: Int, began: UInt32? = nil, _ budget: inout Int
    ) {
        let span = unsafe Span<UInt8>(_unsafeBytes: bytes)
        guard let walk = deliver(span, scannedByteCount, &budget) else { return }
        guard walk.consumedByteCount < span.count, lifecycle.isReceiving else { return }
        carry(span.extracting(droppingFirst: walk.consumedByteCount), walk, walk.consumedByteCount == 0 ? began : nil)
    }

    @inline(never)
    private func carry(_ bytes: Span<UInt8>, _ walk: FrameWalk, _ began: UInt32?) {
        let rest = endpoint.buffers.takePartial()
        rest.frameByteCount = walk.frameByteCount
        rest.moveToLargeMemory(atMost: mostToHold())
        rest.append(bytes)
        rest.note(walk)
        hold(rest, since: began ?? endpoint.tick)
    }

    func hold(_ rest: ReassemblyBuffer, since tick: UInt32) {
        rest.beganTick = tick
        reassembly = rest
        if endpoint.deadlines.watchesFrames { endpoint.watchDeadlines() }
        chargeReassembly()
    }

    /// Delivers the whole frames of what was carried; what is left of it stays carried.
    func walkCarried(_ carried: ReassemblyBuffer, _ budget: inout Int) {
        // Messages that are kept or sent on may stay where they are.
        endpoint.buffers.deliveredMemory = carried.memory
        let result = carried.memory.withBytes { deliver($0, carried.scannedByteCount, &budget) }
        endpoint.buffers.deliveredMemory = nil
        guard let walk = result else { return }
        carried.removeFirst(walk.consumedByteCount)
        // Messages that are kept may have taken its memory with them.
        carried.charge.shrink(to: carried.memory.bytes.capacity)
        carried.note(walk)
        if walk.consumedByteCount > 0 { carried.beganTick = endpoint.tick }
        if carried.byteCount == 0, lifecycle.state != .closed {
            reassembly = nil
            endpoint.buffers.giveBack(carried)
        }
    }

    /// Puts bytes behind what is carried, which may be whole by them, and pays for what is left.
    func walk(_ bytes: Span<UInt8>, behind carried: ReassemblyBuffer, _ budget: inout Int) {
        carried.append(bytes)
        if flow.isPaused || budget <= 0 { carried.mayHoldFrames = true } else { walkCarried(carried, &budget) }
        chargeReassembly()
    }

    /// What was read together with the end of a carried frame. If that frame's delivery stopped the walk, these bytes
    /// wait behind it.
    func walkBehindCarried(_ bytes: UnsafeRawBufferPointer, _ budget: inout Int) {
        guard lifecycle.isReceiving else { return }
        if let reassembly {
            walk(unsafe Span<UInt8>(_unsafeBytes: bytes), behind: reassembly, &budget)
        } else if flow.isPaused || budget <= 0 {
            let rest = endpoint.buffers.takePartial()
            rest.append(unsafe Span<UInt8>(_unsafeBytes: bytes))
            rest.mayHoldFrames = true
            hold(rest, since: endpoint.tick)
        } else {
            unsafe walk(bytes, 0, &budget)
        }
    }

    /// Hands message after message to the delegate, until the bytes, the budget or the connection's will ends.
    ///
    /// - Returns: how far it came; nil if the bytes are not what the framing allows.
    @inline(__always)
    private func deliver(_ bytes: Span<UInt8>, _ scannedByteCount: Int, _ budget: inout Int) -> FrameWalk? {
        guard let delegate = endpoint.delegate else { return nil }
        var remaining = budget
        defer {
            endpoint.traffic.receivedMessageCount &+= budget &- remaining
            budget = remaining
        }
        do {
            // Twice the same: the first is put in line, which a shared closure would prevent.
            if let framing = endpoint.codec.lengthPrefix {
                return try framing.scanFrames(in: bytes, scannedByteCount: scannedByteCount) { message in
                    delegate.connection(self, didReceive: message)
                    return mayGoOn(&remaining)
                }
            }
            return try endpoint.framing.scanFrames(in: bytes, scannedByteCount: scannedByteCount) { message in
                delegate.connection(self, didReceive: message)
                return mayGoOn(&remaining)
            }
        } catch {
            beginClose(.framing(error))
            return nil
        }
    }

    /// After every call into the owner's code, ask again.
    @inline(__always)
    private func mayGoOn(_ remaining: inout Int) -> Bool {
        remaining &-= 1
        return remaining > 0 && lifecycle.isReceiving && !flow.isPaused
    }
}
