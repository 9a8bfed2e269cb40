// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// Large frames mostly come in runs of one size. So of the bytes that are read behind the end of one, as many as whole
// frames of that size have go into the shared space, and what comes then into memory of its own, where the rest of that
// frame is read later. Copying that beginning out of the shared space was 15 % of the server's time at 64 KiB. Frames
// of other sizes cost no more than they did: bytes that the prediction misplaced are copied behind what was carried.

extension PipeConnection {
    /// So much may be held in all where memory is allocated for a frame of which nothing has arrived.
    private static let freelyHeldByteCount = 8 << 20

    /// Predicts that a frame follows as large as the one that the next read completes, and finds memory for it, if that
    /// costs little.
    ///
    /// Memory that was used before, or fresh memory where the frame is no larger than a read and little is held in all:
    /// a byte behind each of many frames is not to hold their sizes.
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
