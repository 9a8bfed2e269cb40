// SPDX-License-Identifier: Apache-2.0
import PipeFraming
import PipeTestSupport
import Testing

/// One framing under test, with a small maximum so that tests reach its edges.
struct Subject: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let framing: any MessageFraming

    init(_ name: String, _ framing: any MessageFraming) {
        testDescription = name
        self.framing = framing
    }

    /// Every framing that preserves boundaries, with a maximum of `limit` bytes.
    static func all(limit: Int) -> [Subject] {
        lengthPrefixes(limit: limit) + delimiters(limit: limit) + [
            Subject("content-length", ContentLengthFraming(maximumMessageByteCount: limit)),
            Subject("varint", VarintFraming(maximumMessageByteCount: limit)),
            Subject("descriptors", DescriptorFraming(maximumMessageByteCount: limit)),
            Subject("netstring", NetstringFraming(maximumMessageByteCount: limit)),
            Subject(
                "netstring with envelope", NetstringFraming(maximumMessageByteCount: limit, givesEnvelope: true)),
        ]
    }

    /// The framings that carry any bytes.
    static func binary(limit: Int) -> [Subject] {
        all(limit: limit).filter { !($0.framing is DelimiterFraming) }
    }

    static func lengthPrefixes(limit: Int) -> [Subject] {
        LengthPrefixFraming.Width.allCases.flatMap { width in
            [LengthPrefixFraming.ByteOrder.bigEndian, .littleEndian].map { order in
                let framing = LengthPrefixFraming(width: width, byteOrder: order, maximumMessageByteCount: limit)
                return Subject("length \(width) \(order)", framing)
            }
        }
    }

    static func delimiters(limit: Int) -> [Subject] {
        [[0x0A], [0x00], [0x0C], [0x0D, 0x0A], Array("aab"), Array("aa"), Array("abcabcabcd")].map { delimiter in
            Subject("delimiter \(delimiter)", DelimiterFraming(delimiter, maximumMessageByteCount: limit))
        }
    }
}
