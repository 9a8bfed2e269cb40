// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// Large frames mostly come in runs of one size. So where a read may bring more than the end of a large frame, the next
// frames are predicted to have that size: as many bytes as whole frames take go into the receive buffer, and those of
// the frame after them into memory of its own, where the rest of it is read later. Copying that beginning out of the
// receive buffer was 15 % of the server's time at 64 KiB. A wrong prediction costs one copy of the bytes that it
// misplaced, which is what they cost without it.

extension PipeConnection {
    /// Memory for a frame of which nothing has arrived is allocated only while less than this is held in all.
    private static let freelyHeldByteCount = 8 << 20

    /// Predicts a frame as large as the one that the next read may complete, and finds memory for it; nil where that
    /// would cost too much.
    ///
    /// The memory was used before, or is fresh where the frame is no larger than a read and little is held in all.
    /// Otherwise a peer could make the server hold a whole frame for each single byte that it sends behind one.
    func predictFrame(after reassembly: ReassemblyBuffer) -> ReassemblyBuffer? {
        guard let byteCount = reassembly.frameByteCount, byteCount >= LargeBufferPool.smallestByteCount,
            stream.isDirect, !lifecycle.isShuttingDown, !endpoint.ledger.isTight
        else { return nil }
        let next = endpoint.buffers.borrowReassembly()
        next.frameByteCount = byteCount
        if byteCount <= ReactorBuffers.receiveByteCount, endpoint.ledger.heldByteCount < Self.freelyHeldByteCount {
            next.makeRoom(for: byteCount, atMost: .max)
        } else {
            next.moveToLargeMemory(atMost: mostToHold())
        }
        if next.memory.bytes.capacity >= byteCount { return next }
        endpoint.buffers.recycle(next)
        return nil
    }
}
