// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// The messages in one direction of a connection whose bytes pass elsewhere: a mistake here shows wrong messages, and
/// harms no byte.
///
/// Bytes that are no frames are shown in the pieces in which they come, from there on.
struct ObservedStream {
    private let framing: any MessageFraming
    /// The beginning of a frame.
    private var pending: [UInt8] = []
    private var scannedByteCount = 0
    /// The size of that frame, if it is known: no use in looking before it is there.
    private var neededByteCount = 0
    private var isFramed = true

    /// Why messages cannot be told apart any more.
    enum Problem: Hashable {
        case framing(FramingError)
        /// The beginning of a frame has no room to wait for its end.
        case noRoom
    }

    init(_ framing: any MessageFraming) { self.framing = framing }

    /// The size of the beginning of a frame that waits for its end.
    var pendingByteCount: Int { pending.count }

    /// Takes the next bytes.
    ///
    /// - Parameters:
    ///   - room: the largest size that the beginning of a frame may have.
    ///   - deliver: gets each message, or each piece.
    /// - Returns: why there are only pieces from now on, once.
    mutating func append(_ bytes: [UInt8], room: Int, deliver: ([UInt8]) -> Void) -> Problem? {
        guard isFramed else {
            deliver(bytes)
            return nil
        }
        pending += bytes
        do throws(FramingError) {
            if pending.count >= neededByteCount { try decode(deliver) }
        } catch {
            isFramed = false
            end(deliver: deliver)
            return .framing(error)
        }
        guard pending.count > room else { return nil }
        isFramed = false
        end(deliver: deliver)
        return .noRoom
    }

    /// Delivers what is left: the beginning of a message that had no end.
    mutating func end(deliver: ([UInt8]) -> Void) {
        if !pending.isEmpty { deliver(pending) }
        pending = []
    }

    private mutating func decode(_ deliver: ([UInt8]) -> Void) throws(FramingError) {
        var start = 0
        // What was delivered must not be delivered again as a piece.
        defer { pending.removeFirst(start) }
        while start < pending.count {
            let scan = try framing.nextFrame(
                in: pending.span.extracting(start..<pending.count), scannedByteCount: scannedByteCount)
            switch scan {
            case .frame(let message, let byteCount):
                deliver(Array(pending[start + message.lowerBound..<start + message.upperBound]))
                (start, scannedByteCount, neededByteCount) = (start + byteCount, 0, 0)
            case .incomplete(let frameByteCount, let scanned):
                (scannedByteCount, neededByteCount) = (scanned, frameByteCount ?? 0)
                return
            }
        }
    }
}
