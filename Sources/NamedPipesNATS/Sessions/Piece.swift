// SPDX-License-Identifier: Apache-2.0
#if NATS
/// One message of the broker within a session: 17 bytes, then the payload. A value, so that it can be tested without a
/// broker.
///
/// | Bytes | Content |
/// |---|---|
/// | 1 | the kind |
/// | 8 | the sequence number, big-endian |
/// | 8 | how many bytes the sender has consumed of what it was sent, from the beginning: the credit |
/// | rest | the payload |
struct Piece: Equatable {
    enum Kind: UInt8, CaseIterable {
        /// The server's answer to an opening: the session exists. Its payload is a ``SessionOffer``.
        case accept = 1
        /// The server's answer to an opening: no. Its payload is the reason, one byte.
        case refuse = 2
        /// Bytes of the stream.
        case data = 3
        /// Nothing but the credit.
        case credit = 4
        /// No more data follows (`SHUT_WR`).
        case finish = 5
        /// The sender has closed. Its payload is one byte: 1 if it had unread bytes, otherwise 0.
        case close = 6
        /// The sender knows no such session.
        case reset = 7
        /// Nothing was sent for a while.
        case heartbeat = 8

        /// Whether the number counts this piece. The others carry the number of the next piece that is counted, so that
        /// the loss of the last one is noticed as well.
        var isNumbered: Bool {
            switch self {
            case .data, .finish, .close: true
            case .accept, .refuse, .credit, .reset, .heartbeat: false
            }
        }
    }

    static let headerByteCount = 17

    let kind: Kind
    let sequence: UInt64
    let consumedByteCount: UInt64

    init(_ kind: Kind, sequence: UInt64 = 0, consumedByteCount: UInt64 = 0) {
        self.kind = kind
        self.sequence = sequence
        self.consumedByteCount = consumedByteCount
    }

    /// Parses the beginning of a message; nil for anything that is no piece.
    init?(parsing message: Span<UInt8>) {
        guard message.count >= Self.headerByteCount, let kind = Kind(rawValue: message[0]) else { return nil }
        self.kind = kind
        sequence = UInt64(bigEndian: message, at: 1)
        consumedByteCount = UInt64(bigEndian: message, at: 9)
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(kind.rawValue)
        sequence.append(to: &bytes)
        consumedByteCount.append(to: &bytes)
    }
}

extension FixedWidthInteger where Self: UnsignedInteger {
    init(bigEndian bytes: Span<UInt8>, at start: Int) {
        self = 0
        for index in start..<start + Self.bitWidth / 8 { self = self << 8 | Self(bytes[index]) }
    }

    func append(to bytes: inout [UInt8]) {
        for shift in stride(from: Self.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: self >> shift))
        }
    }
}
#endif
