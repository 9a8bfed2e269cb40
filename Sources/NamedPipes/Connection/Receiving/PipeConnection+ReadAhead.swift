// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// Large frames mostly come many of a size. So of what is read behind the end of one, as many bytes as whole frames of
// that size have go into the shared space, and what comes then into memory of its own, where the rest of that frame is
// read later. Copying that beginning out of the shared space was 15 % of the server's time at 64 KiB. Frames of other
// sizes cost no more than they did: what was wrongly put elsewhere is copied behind what was carried.

extension PipeConnection {
    /// So much may be held in all where memory is allocated for a frame of which nothing has arrived.
    private static let freelyHeldByteCount = 8 << 20

    /// Where the unfinished frame goes that a read will end in, if it is as large as the one before it, which has
    /// arrived.
    ///
    /// Memory that was used before, or fresh for what is no larger than a read, and while little is held in all: a byte
    /// behind each of many frames is not to hold their sizes.
    func frameLikely(after reassembly: ReassemblyBuffer) -> ReassemblyBuffer? {
        guard let byteCount = reassembly.frameByteCount, byteCount >= LargeBufferPool.smallestByteCount,
            stream.isDirect, !lifecycle.isShuttingDown, !endpoint.ledger.isTight
        else { return nil }
        let next = endpoint.buffers.takePartial()
        next.frameByteCount = byteCount
        if byteCount <= ReactorBuffers.receiveByteCount, endpoint.ledger.heldByteCount < Self.freelyHeldByteCount {
            next.makeRoom(for: byteCount, atMost: .max)
        } else {
            next.moveToLargeMemory(atMost: mostToHold())
        }
        if next.memory.bytes.capacity >= byteCount { return next }
        endpoint.buffers.giveBack(next)
        return nil
    }

    /// One read: the rest of a frame, whole frames behind it, and the beginning of the next.
    ///
    /// - Returns: what was read, and for how many bytes there was room.
    func receive(
        into rest: UnsafeMutableRawBufferPointer, _ surplus: UnsafeMutableRawBufferPointer,
        likely next: ReassemblyBuffer?
    ) throws(SystemError) -> (outcome: ReadOutcome<Int>, room: Int) {
        guard let next, let frameByteCount = next.frameByteCount else {
            return (try unsafe receive(into: rest, surplus), rest.count + surplus.count)
        }
        let wholeByteCount = surplus.count / frameByteCount * frameByteCount
        let whole = unsafe UnsafeMutableRawBufferPointer(rebasing: surplus[..<wholeByteCount])
        // Of frames that are larger than that space, as much as one read takes.
        let beginningByteCount =
            unsafe surplus.isEmpty ? ReactorBuffers.receiveByteCount : surplus.count - wholeByteCount
        var outcome = ReadOutcome<Int>.wouldBlock
        _ = try unsafe next.memory.bytes.withUnsafeFreeSpace(
            minimumCapacity: frameByteCount
        ) { free throws(SystemError) in
            let beginning = unsafe UnsafeMutableRawBufferPointer(rebasing: free[..<beginningByteCount])
            outcome = try unsafe receive(into: rest, whole, beginning)
            return max(0, outcome.byteCount - rest.count - wholeByteCount)
        }
        return (outcome, rest.count + wholeByteCount + beginningByteCount)
    }

    /// Delivers what was read there; its unfinished rest stays where it is.
    func walk(likely next: ReassemblyBuffer, _ budget: inout Int) {
        next.frameByteCount = nil
        guard next.byteCount > 0, lifecycle.isReceiving else { return endpoint.buffers.giveBack(next) }
        if let reassembly {
            // It was of another size: what the shared space ended in comes before this.
            next.memory.withBytes { walk($0, behind: reassembly, &budget) }
            endpoint.buffers.giveBack(next)
        } else if flow.isPaused || budget <= 0 {
            next.mayHoldFrames = true
            hold(next, since: endpoint.tick)
        } else {
            reassembly = next
            walkCarried(next, &budget)
            guard reassembly === next else { return }
            if lifecycle.isReceiving { return hold(next, since: endpoint.tick) }
            // It ended meanwhile, and no budget is charged for this.
            reassembly = nil
            endpoint.buffers.giveBack(next)
        }
    }
}
