// SPDX-License-Identifier: Apache-2.0

/// The layout of one read: the places into which the bytes are read, and what the bytes in each place are. A value, so
/// that it can be tested without a socket. ``PipeConnection`` makes a plan before the read, reads into its places, and
/// decodes the bytes accordingly.
///
/// The layout depends on what the connection carries from earlier reads. One call, `readv(2)`, fills the places in
/// order:
///
/// ```
///     carried               first place              second place             third place
///     ───────────────────   ──────────────────────   ──────────────────────   ───────────────────────
///     nothing               receive buffer
///     small partial frame   receive buffer, behind
///                           a copy of the frame
///     large partial frame   reassembly buffer        receive buffer, if the   memory of the next frame,
///                                                    read may end the frame   if one is predicted
/// ```
///
/// All connections of a reactor share the receive buffer. The next read of any of them overwrites it.
struct ReadPlan: Equatable {
    /// The number of carried bytes that are copied to the front of the receive buffer, and decoded together with the
    /// bytes that arrive behind them.
    let copiedByteCount: Int

    /// The number of bytes to read into the reassembly buffer of the carried frame.
    let ownByteCount: Int

    /// The number of bytes to read into the receive buffer.
    let sharedByteCount: Int

    /// The number of bytes to read into the memory of the predicted frame.
    let predictedByteCount: Int

    /// The number of bytes of the carried frame that have not arrived; nil if its size is not known.
    private let missingByteCount: Int?

    /// The most that the read can bring, in bytes.
    var byteCount: Int { ownByteCount + sharedByteCount + predictedByteCount }

    /// A read into the receive buffer only.
    ///
    /// - Parameters:
    ///   - space: the size of the receive buffer in bytes.
    ///   - copied: the number of carried bytes that are copied to its front; fewer than `space`.
    init(sharing space: Int, behind copied: Int = 0) {
        precondition(copied >= 0 && copied < space, "a read without room")
        copiedByteCount = copied
        ownByteCount = 0
        sharedByteCount = space - copied
        predictedByteCount = 0
        missingByteCount = nil
    }

    /// A read into the reassembly buffer of a carried frame and, if this read may end the frame, into the places behind
    /// it.
    ///
    /// The bytes behind the frame make up the size of the receive buffer at most, together with the frame. The receive
    /// buffer is dimensioned so that one write can send them all again. If frames are predicted, all that fit whole are
    /// read into the receive buffer, and the beginning of the one after them into memory of its own.
    ///
    /// - Parameters:
    ///   - room: the free bytes in the reassembly buffer, behind those that have arrived; more than 0.
    ///   - missing: the number of bytes of the frame that have not arrived; nil if it is not known.
    ///   - frame: the size of the whole frame in bytes, nil if it is not known.
    ///   - space: the size of the receive buffer in bytes.
    ///   - isPredicting: whether there is memory for a predicted frame.
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

    /// Whether a carried partial frame is copied to the front of the receive buffer, rather than completed in its
    /// reassembly buffer.
    ///
    /// - Parameters:
    ///   - carried: the size of the partial frame in bytes.
    ///   - frame: the size of its whole frame in bytes, nil if it is not known.
    ///   - space: the size of the receive buffer in bytes.
    static func copies(_ carried: Int, of frame: Int?, space: Int) -> Bool {
        carried <= ReactorBuffers.copiedByteCount && carried < space && frame ?? 0 <= space
    }

    /// Whether a read into this room can reach the end of the carried frame.
    ///
    /// Only such a read is worth a prediction; see ``PipeConnection/predictFrame(after:)``.
    static func mayComplete(missing: Int?, room: Int) -> Bool {
        guard let missing else { return false }
        return room >= missing
    }

    /// The bytes that a read brought, by place.
    struct Arrival: Equatable {
        let ownByteCount: Int
        let sharedByteCount: Int
        let predictedByteCount: Int
        /// Whether the carried frame may be complete now: it is, or its size is not known.
        let mayCompleteFrame: Bool
        /// Whether the read filled all places, so that there may be more.
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
