// SPDX-License-Identifier: Apache-2.0

/// The layout of one read: which places the bytes go to, and what they are once they are there. A value, so that it can
/// be tested without a socket. ``PipeConnection`` makes it before the read, reads into the places that it names, and
/// decodes what arrived as it says.
///
/// What the connection carries from earlier reads decides the layout. One call, `readv(2)`, fills the places in order:
///
/// ```
///     carried             first place              second place             third place
///     ─────────────────   ──────────────────────   ──────────────────────   ───────────────────────
///     nothing             receive buffer
///     a small beginning   receive buffer, behind
///                         a copy of it
///     a large frame       its own memory           receive buffer, if the   memory of the next frame,
///                                                  read may end the frame   if one is predicted
/// ```
///
/// All connections of a reactor share the receive buffer. The next read overwrites it, whichever connection makes it.
struct ReadPlan: Equatable {
    /// How many carried bytes are copied to the front of the receive buffer, to be decoded together with those that
    /// arrive behind them.
    let copiedByteCount: Int

    /// How much is read into the memory of the carried frame.
    let ownByteCount: Int

    /// How much is read into the receive buffer.
    let sharedByteCount: Int

    /// How much is read into the memory of the predicted frame.
    let predictedByteCount: Int

    /// How much of the carried frame is missing; nil where its size is not known.
    private let missingByteCount: Int?

    /// How much is read at most.
    var byteCount: Int { ownByteCount + sharedByteCount + predictedByteCount }

    /// Reads into the receive buffer.
    ///
    /// - Parameters:
    ///   - space: the size of the receive buffer in bytes.
    ///   - copied: the number of carried bytes that go to its front; fewer than `space`.
    init(sharing space: Int, behind copied: Int = 0) {
        precondition(copied >= 0 && copied < space, "a read without room")
        copiedByteCount = copied
        ownByteCount = 0
        sharedByteCount = space - copied
        predictedByteCount = 0
        missingByteCount = nil
    }

    /// Reads into the memory of a carried frame and, where this read may end the frame, behind that.
    ///
    /// What is read behind the frame is no more than leaves again in one write, which is what the receive buffer is
    /// measured for. Where frames are predicted, all of them that fit there whole are read into the receive buffer, and
    /// the beginning of the one after them into memory of its own.
    ///
    /// - Parameters:
    ///   - room: the free bytes behind what has arrived of the frame; more than 0.
    ///   - missing: the bytes of the frame that have not arrived; nil where that is not known.
    ///   - frame: the size of the whole frame in bytes, nil where that is not known.
    ///   - space: the size of the receive buffer in bytes.
    ///   - isPredicting: whether there is memory for a next frame of the same size.
    init(completing missing: Int?, of frame: Int?, room: Int, space: Int, isPredicting: Bool) {
        precondition(room > 0, "a read without room")
        copiedByteCount = 0
        missingByteCount = missing
        guard Self.mayComplete(missing: missing, room: room), let missing, let frame else {
            ownByteCount = min(room, missing ?? .max)
            sharedByteCount = 0
            predictedByteCount = 0
            return
        }
        ownByteCount = missing
        let surplus = max(0, space - frame)
        guard isPredicting else {
            sharedByteCount = surplus
            predictedByteCount = 0
            return
        }
        sharedByteCount = surplus / frame * frame
        // Of a frame that is larger than the receive buffer, as much as one read takes.
        predictedByteCount = surplus > 0 ? surplus - sharedByteCount : space
    }

    /// Whether a carried beginning is copied to the front of the receive buffer rather than completed in its own
    /// memory.
    ///
    /// - Parameters:
    ///   - carried: the size of the beginning in bytes.
    ///   - frame: the size of its whole frame in bytes, nil where that is not known.
    ///   - space: the size of the receive buffer in bytes.
    static func copies(_ carried: Int, of frame: Int?, space: Int) -> Bool {
        carried <= ReactorBuffers.copiedByteCount && carried < space && frame ?? 0 <= space
    }

    /// Whether a read of this size ends at or behind the end of the carried frame.
    ///
    /// Only such a read is worth a prediction; see ``PipeConnection/predictFrame(after:)``.
    static func mayComplete(missing: Int?, room: Int) -> Bool {
        guard let missing else { return false }
        return room >= missing
    }

    /// What a read brought, by place.
    struct Arrival: Equatable {
        let ownByteCount: Int
        let sharedByteCount: Int
        let predictedByteCount: Int
        /// Whether the carried frame may be whole now: it is, or its size is not known.
        let mayCompleteFrame: Bool
        /// Whether the read brought all that there was room for, so that there may be more.
        let isFull: Bool
    }

    /// Assigns the bytes of a read to the places, in order.
    ///
    /// - Parameter count: the result of the read; at most ``byteCount``.
    func arrival(of count: Int) -> Arrival {
        precondition(count >= 0 && count <= byteCount, "a read of more than there was room for")
        let own = min(count, ownByteCount)
        let shared = min(count - own, sharedByteCount)
        return Arrival(
            ownByteCount: own, sharedByteCount: shared, predictedByteCount: count - own - shared,
            mayCompleteFrame: own > 0 && own == missingByteCount ?? own, isFull: count == byteCount)
    }
}
