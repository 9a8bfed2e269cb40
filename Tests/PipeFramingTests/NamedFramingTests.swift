// SPDX-License-Identifier: Apache-2.0
import PipeFraming
import Testing

@Suite struct `A framing by name` {
    @Test func `gives length prefixes`() {
        #expect(parse("length") == LengthPrefixFraming())
        #expect(parse("length:1") == LengthPrefixFraming(width: .one))
        #expect(parse("length:2:le") == LengthPrefixFraming(width: .two, byteOrder: .littleEndian))
        #expect(parse("length:4:be") == LengthPrefixFraming())
        #expect(
            parse("length:8:le", 9)
                == LengthPrefixFraming(width: .eight, byteOrder: .littleEndian, maximumMessageByteCount: 9))
    }

    @Test func `gives delimiters`() {
        #expect(parse("newline") == DelimiterFraming.newline)
        #expect(parse("nul") == DelimiterFraming.nul)
        #expect(parse("formfeed") == DelimiterFraming.formFeed)
        #expect(parse("delimiter:0d0A", 9) == DelimiterFraming([0x0D, 0x0A], maximumMessageByteCount: 9))
    }

    @Test func `gives the others`() {
        #expect(parse("content-length") == ContentLengthFraming())
        #expect(parse("content-length", 9) == ContentLengthFraming(maximumMessageByteCount: 9))
        #expect(parse("varint") == VarintFraming())
        #expect(parse("descriptors") == DescriptorFraming())
        #expect(parse("descriptors", 9) == DescriptorFraming(maximumMessageByteCount: 9))
        #expect(parse("varint", 0) == VarintFraming(maximumMessageByteCount: 0))
        #expect(parse("raw") == RawFraming())
        #expect(parse("raw", 1) == RawFraming(maximumMessageByteCount: 1))
    }

    @Test(arguments: [
        "", ":", "Length", "length:", "length:3", "length:4:", "length:4:xx", "length:4:le:", "newline:", "lines",
        "delimiter", "delimiter:", "delimiter:0", "delimiter:0d0", "delimiter:+f", "delimiter:0g", "delimiter:0d:0a",
        "delimiter:" + String(repeating: "00", count: 256), "raw:1", "delimiter:０a",
    ])
    func `is nil for any other text`(text: String) {
        #expect(NamedFraming.parse(text) == nil)
    }

    @Test func `is nil, not a trap, for an impossible maximum`() {
        #expect(NamedFraming.parse("length", maximumMessageByteCount: -1) == nil)
        #expect(NamedFraming.parse("raw", maximumMessageByteCount: 0) == nil)
        #expect(NamedFraming.parse("length:1", maximumMessageByteCount: .max)?.maximumMessageByteCount == 255)
    }

    @Test(arguments: [
        "length", "length:1", "length:2", "length:2:le", "length:4:le", "length:8", "length:8:le", "newline", "nul",
        "formfeed", "delimiter:0d0a", "delimiter:00ff", "content-length", "varint", "descriptors", "raw",
    ])
    func `tells its name again, whatever its limit`(name: String) throws {
        let framing = try #require(NamedFraming.parse(name, maximumMessageByteCount: 100))
        #expect(NamedFraming.name(of: framing) == name)
    }

    @Test(arguments: [
        ("length:4", "length"), ("length:4:be", "length"), ("length:2:be", "length:2"), ("length:1:le", "length:1:le"),
        ("delimiter:0A", "newline"), ("delimiter:0D0A", "delimiter:0d0a"),
    ])
    func `tells the shortest of its names`(text: String, name: String) throws {
        #expect(NamedFraming.name(of: try #require(NamedFraming.parse(text))) == name)
    }

    @Test func `has no name if it is not in the table`() {
        #expect(NamedFraming.name(of: Unlisted()) == nil)
    }

    private struct Unlisted: MessageFraming {
        var maximumMessageByteCount: Int { 1 }

        func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan {
            .incomplete(frameByteCount: nil, scannedByteCount: 0)
        }

        func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {}
    }

    @Test func `is understood as each line of the help begins`() {
        for name in NamedFraming.names where name != "delimiter:HEX" {
            #expect(NamedFraming.parse(String(name.prefix { $0 != "[" })) != nil)
        }
    }

    private func parse<Framing: MessageFraming>(_ text: String, _ limit: Int? = nil) -> Framing? {
        NamedFraming.parse(text, maximumMessageByteCount: limit) as? Framing
    }
}
