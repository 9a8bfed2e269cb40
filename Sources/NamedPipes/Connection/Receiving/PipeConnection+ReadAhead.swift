// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// Large frames usually come in sequences of one size. If a read may bring more than the end of a large frame, the
// frames behind it are therefore predicted to have the same size. As many of them as fit whole are read into the
// receive buffer. The beginning of the one after them is read into memory of its own, where a later read completes it:
// copying that beginning out of the receive buffer took 15 % of the server's time at 64 KiB. After a wrong prediction,
// the misplaced bytes are copied once, as they would be without predictions. While most are wrong, few are made.

extension PipeConnection {
    /// Fresh memory for a frame of which nothing has arrived is allocated only while the endpoint holds less than this.
    private static let freelyHeldByteCount = 8 << 20

    /// Predicts a frame of the size of the one that the next read may complete, and finds memory for it.
    ///
    /// The memory is reused, or fresh if the frame is no larger than a read and the endpoint holds little. Otherwise a
    /// peer could make the server hold the memory of a whole frame for each single byte that it sends behind a frame.
    ///
    /// - Returns: nil if the memory would cost too much.
    func predictFrame(after reassembly: ReassemblyBuffer) -> ReassemblyBuffer? {
        guard let byteCount = reassembly.frameByteCount, byteCount >= LargeBufferPool.smallestByteCount,
            stream.isDirect, !lifecycle.isShuttingDown, !endpoint.ledger.isTight, endpoint.predictions.isWorthTrying()
        else { return nil }
        let next = endpoint.buffers.borrowReassembly()
        next.frameByteCount = byteCount
        if byteCount <= ReactorBuffers.receiveByteCount, endpoint.ledger.heldByteCount < Self.freelyHeldByteCount {
            _ = next.makeRoom(for: byteCount, atMost: .max) { pay(for: $0, of: next) }
        } else {
            next.moveToLargeMemory(atMost: mostToHold()) { pay(for: $0, of: next) }
        }
        // If this memory has made the ledger tight, the receive buffer is smaller by now than the plan's.
        if next.memory.bytes.capacity >= byteCount, !endpoint.ledger.isTight { return next }
        endpoint.buffers.recycle(next)
        return nil
    }
}
