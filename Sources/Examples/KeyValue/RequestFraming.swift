// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// Redis' requests as messages: one frame is one command, from its first byte to its last.
///
/// ```
/// *2 CR LF $3 CR LF GET CR LF $1 CR LF k CR LF     an array of bulk strings, as programs send it
/// GET k CR LF                                      a line, as a person types it
/// ```
///
/// A server's replies have other forms and delimit themselves, so they are sent as they are.
///
/// Bytes that cannot become a command are a frame as well, up to the byte that shows it: Redis answers them with an
/// error before it closes, and after a ``FramingError`` nothing can be sent any more. ``RequestScan`` distinguishes the
/// two again for the database: one parser with one limit, because of two parsers one might accept what the other
/// refuses.
struct RequestFraming: MessageFraming {
    var maximumMessageByteCount: Int { RequestScan.largestRequest }

    func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan {
        let place = ScanPlace(rawValue: scannedByteCount)
        switch RequestScan.scan(bytes, from: place, argument: { _ in }) {
        case .complete(let byteCount), .malformed(_, let byteCount):
            return .frame(message: 0..<byteCount, byteCount: byteCount)
        case .incomplete(let byteCount, let place):
            return .incomplete(frameByteCount: byteCount, scannedByteCount: place.rawValue)
        }
    }

    func encode(_ reply: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        output.append(contentsOf: reply)
    }

    func encodeEnvelope(
        of reply: Span<UInt8>, into output: inout FrameBuffer
    ) throws(FramingError) -> FrameEnvelope? { FrameEnvelope() }
}

/// The progress of the scan of a partial array, in the one number that a framing may remember.
///
/// The position alone would not suffice: the number of remaining strings is at the array's beginning, and counting them
/// again at each read would take time proportional to the square of their number.
struct ScanPlace: Equatable {
    private static let maximumOffset = (1 << 32) - 1

    /// The beginning of the first incomplete string, or the position at which the search for the line's end continues.
    var offset = 0
    /// How many strings of the array are incomplete; 0 before that is known.
    var missingCount = 0

    init(offset: Int = 0, missingCount: Int = 0) {
        self.offset = offset
        self.missingCount = missingCount
    }

    init(rawValue: Int) {
        offset = rawValue & Self.maximumOffset
        missingCount = rawValue >> 32
    }

    var rawValue: Int { missingCount << 32 | offset }
}
