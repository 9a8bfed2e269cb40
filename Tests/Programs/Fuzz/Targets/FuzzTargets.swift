// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport

/// The fuzz targets. A target that finds something traps.
enum FuzzTargets {
    static let all: [String: @Sendable (inout Input) -> Void] = [
        "length-prefix": { input in
            let widths = LengthPrefixFraming.Width.allCases
            let width = widths[input.number(below: widths.count)]
            let order: LengthPrefixFraming.ByteOrder = input.number(below: 2) == 0 ? .bigEndian : .littleEndian
            let limit = input.limit()
            cut(&input, LengthPrefixFraming(width: width, byteOrder: order, maximumMessageByteCount: limit))
        },
        "delimiter": { input in
            let delimiters: [[UInt8]] = [
                [0x0A], [0], [0x0D, 0x0A], Array("aab".utf8), Array("aa".utf8), Array("abcabcabcd".utf8),
            ]
            let delimiter = delimiters[input.number(below: delimiters.count)]
            cut(&input, DelimiterFraming(delimiter, maximumMessageByteCount: input.limit()))
        },
        "content-length": { input in cut(&input, ContentLengthFraming(maximumMessageByteCount: input.limit())) },
        "descriptors": { input in cut(&input, DescriptorFraming(maximumMessageByteCount: input.limit())) },
        "varint": { input in cut(&input, VarintFraming(maximumMessageByteCount: input.limit())) },
        "netstring": { input in cut(&input, NetstringFraming(maximumMessageByteCount: input.limit())) },
        "connection": converse,
        "address": readAddress,
        "framing-name": readFramingName,
        "listen-environment": readListenEnvironment,
        "ledger": keepLedger,
        "key-value": executeCommands,
        "json-rpc": answerRequests,
        "language-server": serveEditor,
    ]
}

/// The bytes that libFuzzer made up: first several choices, then the input.
struct Input {
    private var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

    mutating func byte() -> UInt8 { bytes.popFirst() ?? 0 }

    /// The next two; nil at the end.
    mutating func pair() -> (Int, Int)? { bytes.count < 2 ? nil : (Int(byte()), Int(byte())) }

    mutating func number(below limit: Int) -> Int { Int(byte()) % limit }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in byte() } }

    mutating func limit() -> Int { [0, 1, 5, 40, 255, 1000, 70_000, 1 << 24][number(below: 8)] }

    mutating func rest() -> [UInt8] {
        defer { bytes = [] }
        return Array(bytes)
    }

    mutating func text() -> String { String(decoding: rest(), as: UTF8.self) }
}
