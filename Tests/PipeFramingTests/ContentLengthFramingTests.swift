// SPDX-License-Identifier: Apache-2.0
import PipeFraming
import PipeTestSupport
import Testing

@Suite struct `A Content-Length header` {
    static let framing = ContentLengthFraming(maximumMessageByteCount: 1000, maximumHeaderByteCount: 100)

    @Test func `the example of the LSP specification`() throws {
        let body = #"{"jsonrpc":"2.0","id":1,"method":"textDocument/completion"}"#
        let frame = Array("Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        #expect(try Self.framing.encoded(Array(body)) == frame)
        #expect(Self.framing.outcome(of: frame).messages == [Array(body)])
        #expect(try Self.framing.encoded([[]]) == Array("Content-Length: 0\r\n\r\n"))
    }

    @Test(arguments: [
        "content-length:2\r\n\r\n", "CONTENT-LENGTH: \t2 \t\r\n\r\n", "Content-Length: 0002\r\n\r\n",
        "Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n",
        "Content-Type: a; charset=\"UTF8\" ; b=c\r\nContent-Length: 2\r\n\r\n",
        "Content-Type:\r\nContent-Length: 2\r\n\r\n", "Content-Type: a;charset\r\nContent-Length: 2\r\n\r\n",
        "Content-Type: x\r\ncontent-LENGTH: 2\r\nX-Empty:\r\n\r\n", "X: caf\u{E9}\t!\r\nContent-Length: 2\r\n\r\n",
        "Content-Length: 2\r\nContent-Length: 2\r\n\r\n", "Content-Lengths: 9\r\nContent-Length: 2\r\n\r\n",
    ])
    func `headers that mean two bytes, cut anywhere`(header: String) throws {
        let frame = Array(header + "hi")
        for cut in 0...frame.count {
            #expect(Self.framing.outcome(of: frame + frame, cutAt: [cut]).messages == [Array("hi"), Array("hi")])
        }
        let bytewise = Self.framing.outcome(of: frame + frame, cutAt: Array(0..<2 * frame.count))
        #expect(bytewise.messages == [Array("hi"), Array("hi")])
    }

    @Test(
        arguments: [
            ("Content-Type: x\r\n\r\n", .missingContentLength),
            ("\r\n", .missingContentLength),
            ("Content-Length: 2\r\nContent-Length: 3\r\n\r\n", .conflictingContentLength(2, 3)),
            ("Content-Length: 2\r\nContent-Length: 3\r\nContent-Length: 2\r\n\r\n", .conflictingContentLength(2, 3)),
            ("Content-Type: application/vscode-jsonrpc; charset=utf-16\r\n", .unsupportedCharset),
            ("content-type:;CHARSET=\"\"\r\n", .unsupportedCharset),
            ("Content-Type: a; charset=utf-8; charset=latin1\r\n", .unsupportedCharset),
            ("Content-Length: \r", .malformedFrame(offset: 16, byte: 0x0D)),
            ("Content-Length: -", .malformedFrame(offset: 16, byte: 0x2D)),
            ("Content-Length: +", .malformedFrame(offset: 16, byte: 0x2B)),
            ("Content-Length: 2,", .malformedFrame(offset: 17, byte: 0x2C)),
            ("Content-Length: 2 3", .malformedFrame(offset: 18, byte: 0x33)),
            ("Content-Length: 0x", .malformedFrame(offset: 17, byte: 0x78)),
            ("Content-Length: 2\n", .malformedFrame(offset: 17, byte: 0x0A)),
            ("Content-Length: 2\r\r", .malformedFrame(offset: 18, byte: 0x0D)),
            ("Content-Length: 2\r\n\n", .malformedFrame(offset: 19, byte: 0x0A)),
            ("Content-Length: 2\r\n ", .malformedFrame(offset: 19, byte: 0x20)),
            ("Content-Length ", .malformedFrame(offset: 14, byte: 0x20)),
            ("Content-Length\r", .malformedFrame(offset: 14, byte: 0x0D)),
            (":", .malformedFrame(offset: 0, byte: 0x3A)),
            ("X: a\u{0}", .malformedFrame(offset: 4, byte: 0x00)),
            ("X: a\u{7F}", .malformedFrame(offset: 4, byte: 0x7F)),
            ("X: a\n", .malformedFrame(offset: 4, byte: 0x0A)),
            ("Content-Length: 1001", .messageTooLarge(byteCount: 1001, limit: 1000)),
            ("Content-Length: 99999", .messageTooLarge(byteCount: 9999, limit: 1000)),
        ] as [(String, FramingError)])
    func `35: the first impossible byte is the error`(stream: String, error: FramingError) {
        let stream = Array(stream)
        #expect(Self.framing.outcome(of: stream).error == error)
        #expect(Self.framing.outcome(of: stream, cutAt: Array(0..<stream.count)).error == error)
        #expect(Self.framing.outcome(of: stream + Array("\r\n\r\nhi")).error == error)
        if case .messageTooLarge = error { return }
        #expect(Self.framing.outcome(of: stream.dropLast()).error == nil)
    }

    @Test func `31: the maximum is allowed, and numbers beyond any machine are refused`() throws {
        let allowed = try Self.framing.scan(Array("Content-Length: 1000\r\n\r\n"))
        #expect(allowed == .incomplete(frameByteCount: 1024, scannedByteCount: 0))
        let endless = ContentLengthFraming(maximumMessageByteCount: .max)
        let digits = String(repeating: "9", count: 60)
        #expect(throws: FramingError.messageTooLarge(byteCount: 9_223_372_036_854_775_807, limit: .max / 2)) {
            try endless.scan(Array("Content-Length: 9223372036854775807\r\n\r\n"))
        }
        #expect(throws: FramingError.self) { try endless.scan(Array("Content-Length: \(digits)\r\n\r\n")) }
    }

    @Test func `a header at its limit is read, one byte more is refused`() throws {
        let fields = "Content-Length: 2\r\nX: "
        let fits = Array(fields + String(repeating: "x", count: 100 - fields.utf8.count - 4) + "\r\n\r\n")
        #expect(fits.count == 100)
        #expect(Self.framing.outcome(of: fits + Array("hi")).messages == [Array("hi")])
        let error = FramingError.headerTooLarge(limit: 100)
        let endless = Array(fields + String(repeating: "x", count: 200))
        #expect(Self.framing.outcome(of: Array(endless.prefix(99))).error == nil)
        #expect(Self.framing.outcome(of: Array(endless.prefix(100))).error == error)
        #expect(Self.framing.outcome(of: endless, cutAt: Array(0..<endless.count)).error == error)
    }

    @Test func `complete lines of an unfinished header are not read again`() throws {
        let scan = try Self.framing.scan(Array("Content-Length: 2\r\nX: y"))
        #expect(scan == .incomplete(frameByteCount: nil, scannedByteCount: 19))
    }
}
