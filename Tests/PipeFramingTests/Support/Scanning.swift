// SPDX-License-Identifier: Apache-2.0
import PipeFraming

extension MessageFraming {
    /// The verdict on `bytes` as the beginning of a stream.
    func scan(_ bytes: [UInt8], scannedByteCount: Int = 0) throws(FramingError) -> FrameScan {
        try nextFrame(in: bytes.span, scannedByteCount: scannedByteCount)
    }
}

extension Array where Element == UInt8 {
    init(copying span: Span<UInt8>) {
        self = unsafe span.withUnsafeBufferPointer { unsafe Array($0) }
    }

    init(_ text: String) {
        self = Array(text.utf8)
    }
}
