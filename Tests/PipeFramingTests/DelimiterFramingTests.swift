// SPDX-License-Identifier: Apache-2.0
import PipeFraming
import PipeTestSupport
import Testing

@Suite struct `A delimiter` {
    @Test func `the common ones have these bytes on the wire`() throws {
        #expect(try DelimiterFraming.newline.encoded(Array("hi"), []) == Array("hi\n\n"))
        #expect(try DelimiterFraming.nul.encoded(Array("hi")) == [0x68, 0x69, 0x00])
        #expect(try DelimiterFraming.formFeed.encoded(Array("hi")) == [0x68, 0x69, 0x0C])
        #expect(try DelimiterFraming([0x0D, 0x0A]).encoded(Array("hi")) == Array("hi\r\n"))
        #expect(DelimiterFraming.newline.maximumMessageByteCount == 1 << 20)
    }

    @Test func `a carriage return before a newline stays with the message`() {
        #expect(DelimiterFraming.newline.outcome(of: Array("hi\r\n")).messages == [Array("hi\r")])
    }

    @Test func `is found at every place of a long line`() throws {
        for length in 0..<40 {
            for behind in 0..<10 {
                let line = [UInt8](repeating: 0x0B, count: length) + [0x0A] + [UInt8](repeating: 0x0A, count: behind)
                let scan = try DelimiterFraming.newline.scan(line)
                #expect(scan == .frame(message: 0..<length, byteCount: length + 1))
            }
        }
    }

    @Test(arguments: [0x00, 0x01, 0x7F, 0x80, 0xFF] as [UInt8])
    func `is told from its neighbours`(delimiter: UInt8) throws {
        let framing = DelimiterFraming([delimiter])
        for other in UInt8.min...UInt8.max where other != delimiter {
            let line = [UInt8](repeating: other, count: 11) + [delimiter]
            #expect(try framing.scan(line) == .frame(message: 0..<11, byteCount: 12))
        }
    }

    @Test func `that overlaps itself ends a message at its first occurrence`() {
        #expect(DelimiterFraming(Array("aab")).outcome(of: Array("aaab")).messages == [Array("a")])
        #expect(DelimiterFraming(Array("aa")).outcome(of: Array("aaaa")).messages == [[], []])
        #expect(
            DelimiterFraming(Array("\r\n")).outcome(of: Array("a\r\r\nb\r\n")).messages == [Array("a\r"), Array("b")])
    }

    @Test func `is not searched again in bytes that were searched`() throws {
        let crlf = DelimiterFraming([0x0D, 0x0A])
        #expect(try crlf.scan(Array("hello")) == .incomplete(frameByteCount: nil, scannedByteCount: 4))
        #expect(try crlf.scan(Array("hello\r")) == .incomplete(frameByteCount: nil, scannedByteCount: 5))
        #expect(
            try DelimiterFraming.newline.scan(Array("hello")) == .incomplete(frameByteCount: nil, scannedByteCount: 5))
        // The framing relies on the hint: a delimiter before it is not seen.
        let skipping = try DelimiterFraming.newline.scan(Array("a\nb\n"), scannedByteCount: 2)
        #expect(skipping == .frame(message: 0..<3, byteCount: 4))
    }

    @Test func `31: a message of the maximum is a frame, one byte more is refused before the delimiter`() throws {
        let framing = DelimiterFraming([0x0D, 0x0A], maximumMessageByteCount: 3)
        #expect(try framing.scan(Array("abc\r\n")) == .frame(message: 0..<3, byteCount: 5))
        #expect(try framing.scan(Array("abcd")) == .incomplete(frameByteCount: nil, scannedByteCount: 3))
        let error = FramingError.messageTooLarge(byteCount: 4, limit: 3)
        for stream in ["abcde", "abcd\r", "abcd\r\n", "abcdefgh\r\nabc\r\n"] {
            #expect(throws: error) { try framing.scan(Array(stream)) }
            #expect(framing.outcome(of: Array(stream), cutAt: Array(0..<stream.utf8.count)).error == error)
        }
    }

    @Test func `a maximum of 0 allows the empty message only`() throws {
        let framing = DelimiterFraming([0x0A], maximumMessageByteCount: 0)
        #expect(try framing.scan([0x0A]) == .frame(message: 0..<0, byteCount: 1))
        #expect(throws: FramingError.messageTooLarge(byteCount: 1, limit: 0)) { try framing.scan([0x30]) }
    }

    @Test(arguments: [
        ("\n", "a\nb", 1), ("\n", "\n", 0), ("\r\n", "ab\r\n", 2), ("aab", "xaaab", 2),
        // The delimiter is complete only with the byte behind it.
        ("aa", "a", 0), ("aa", "ba", 1), ("abab", "xab", 1), ("\r\n\r\n", "x\r\n", 1),
    ])
    func `in a message is refused, because the message would end early`(delimiter: String, message: String, offset: Int)
    {
        let framing = DelimiterFraming(Array(delimiter))
        #expect(throws: FramingError.containsDelimiter(offset: offset)) { try framing.encoded(Array(message)) }
    }

    @Test(arguments: [("\r\n", "a\r"), ("\r\n", "\n"), ("aab", "a"), ("aab", "aa"), ("aab", "ab"), ("abab", "aba")])
    func `that is only begun in a message does not end it`(delimiter: String, message: String) throws {
        let framing = DelimiterFraming(Array(delimiter))
        let stream = try framing.encoded(Array(message), Array(message))
        #expect(framing.outcome(of: stream).messages == [Array(message), Array(message)])
    }
}
