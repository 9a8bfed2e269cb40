// SPDX-License-Identifier: Apache-2.0

/// The content of the messages of a load. Unless it is given, every message differs from the others, so that a reply
/// that is lost, doubled, out of order or of another connection is noticed.
///
/// ```
///   0         10      16
///   │ message │ conn. │ abcdefghijklmnopqrstuvwxyzabcd…
/// ```
///
/// The numbers are in hexadecimal, the lowest digit first, so that they still tell most messages apart where a size
/// cuts them off.
struct LoadMessage {
    private(set) var bytes: [UInt8]
    private let isNumbered: Bool

    /// - Parameter byteCount: 0 or more.
    init(byteCount: Int) {
        bytes = (0..<byteCount).map { UInt8(ascii: "a") + UInt8($0 % 26) }
        isNumbered = true
    }

    init(fixed: [UInt8]) {
        bytes = fixed
        isNumbered = false
    }

    /// Makes it the message with this number on this connection.
    mutating func become(_ number: Int, of connection: Int) {
        guard isNumbered else { return }
        var digits = UInt64(number & 0xFF_FFFF_FFFF) | UInt64(connection & 0xFF_FFFF) << 40
        for index in 0..<min(16, bytes.count) {
            bytes[index] = Self.digits[Int(digits & 0xF)]
            digits >>= 4
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)
}

/// Compares the replies of one connection with what they should be.
struct ReplyCheck {
    enum Expectation {
        /// The message that was sent.
        case sameMessage
        /// Always the same text.
        case text([UInt8])
        /// Any content: replies are only counted.
        case anything
    }

    /// What a piece of the received bytes completes.
    struct Outcome {
        var replyCount = 0
        var wrongCount = 0
    }

    /// For a framing without boundaries: the number of bytes of a reply; nil if each received piece is a reply.
    private let streamedByteCount: Int?
    private var position = 0
    private var isWrong = false

    /// - Parameter streamedByteCount: see above; more than 0.
    init(streamedByteCount: Int? = nil) { self.streamedByteCount = streamedByteCount }

    /// Examines what has been received.
    ///
    /// - Parameter expected: the next reply that is due, by how many this piece has completed before; nil if its
    ///   content does not matter.
    mutating func examine(_ piece: Span<UInt8>, expected: (Int) -> [UInt8]?) -> Outcome {
        guard let streamedByteCount else {
            let isRight = expected(0).map { piece.isEqual(to: $0, from: 0, count: piece.count, whole: true) } ?? true
            return Outcome(replyCount: 1, wrongCount: isRight ? 0 : 1)
        }
        var outcome = Outcome()
        var start = 0
        while start < piece.count {
            let count = min(piece.count - start, streamedByteCount - position)
            if let bytes = expected(outcome.replyCount) {
                let part = piece.extracting(start..<start + count)
                isWrong = isWrong || !part.isEqual(to: bytes, from: position, count: count, whole: false)
            }
            start += count
            position += count
            guard position == streamedByteCount else { break }
            outcome.replyCount += 1
            outcome.wrongCount += isWrong ? 1 : 0
            (position, isWrong) = (0, false)
        }
        return outcome
    }
}

extension Span<UInt8> {
    /// Whether these are the bytes of an array.
    func isEqual(to bytes: [UInt8]) -> Bool { isEqual(to: bytes, from: 0, count: count, whole: true) }

    fileprivate func isEqual(to bytes: [UInt8], from offset: Int, count: Int, whole: Bool) -> Bool {
        guard offset + count <= bytes.count, !whole || count == bytes.count else { return false }
        let other = bytes.span
        for index in 0..<count where self[index] != other[offset + index] { return false }
        return true
    }
}
