// SPDX-License-Identifier: Apache-2.0
import PipeFraming
import PipeTestSupport
import Testing

@Suite struct `A header that is not of this framing` {
    private func error(_ framing: some MessageFraming, _ bytes: [UInt8]) -> FramingError? {
        framing.outcome(of: bytes).error
    }

    @Test(
        arguments: [
            (.text, ["hell", "a\n\r\t", "abcd", "[inf", "{abc"]),
            (.http, ["GET ", "POST", "PUT ", "HEAD", "DELE", "OPTI", "PATC", "PRI ", "HTTP", "GET / HT"]),
            (.json, ["{\"id", "{ \"a", "{\n  ", "{\r\n ", "{}\n{", "[{\"j", "[\"ab", "[[1,", "[]\n["]),
            (.contentLength, ["Cont", "cont", "Content-"]),
            (.proxyProtocol, ["PROX", "\r\n\r\n"]),
        ] as [(ForeignHeader.Kind, [String])])
    func `is named after the protocol that begins like it`(_ kind: ForeignHeader.Kind, _ beginnings: [String]) {
        for beginning in beginnings {
            let header = foreign(beginning)
            #expect(header?.kind == kind, "\(beginning)")
            #expect(header?.bytes == Array(beginning.utf8))
            #expect(header?.otherByteCount == nil)
        }
    }

    @Test(arguments: [[0x16, 0x03, 0x01, 0x02], [0x16, 0x03, 0x03, 0xFF]] as [[UInt8]])
    func `can be a handshake of TLS`(_ bytes: [UInt8]) { #expect(foreign(bytes)?.kind == .tls) }

    @Test func `can be a length in the other byte order, if the limit admits it`() {
        #expect(foreign([5, 0, 0, 0])?.otherByteCount == 5)
        #expect(foreign([5, 0, 0, 0], limit: 5)?.kind == .otherByteOrder)
        #expect(foreign([5, 0, 0, 0], limit: 4) == nil)
        #expect(foreign([0x80, 0, 0, 0])?.otherByteCount == 128)
        #expect(foreign([1, 2], limit: 600)?.otherByteCount == 0x201)
        #expect(foreign([5, 0, 0, 0, 0, 0, 0, 0])?.otherByteCount == 5)
        #expect(foreign([0, 0, 0, 0, 0, 0, 0, 0xC8], limit: 3) == nil)
    }

    @Test(
        arguments: [
            [0x7F, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0xFF], [0x68, 0x65, 0x6C, 0x80], [0x16, 0x04, 9, 9],
        ]
            as [[UInt8]])
    func `is nothing known without evidence`(_ bytes: [UInt8]) { #expect(foreign(bytes) == nil) }

    @Test func `is no text if it has fewer than four bytes`() { #expect(foreign(Array("he"), limit: 300) == nil) }

    @Test func `is part of the error of every framing with a length`() {
        #expect(
            error(LengthPrefixFraming(), Array("hello\n"))
                == .messageTooLarge(byteCount: 0x6865_6C6C, limit: 16 << 20, header: foreign("hell")))
        #expect(
            error(LengthPrefixFraming(), [0x80, 0, 0, 0])
                == .reservedLength(0x8000_0000, header: foreign([0x80, 0, 0, 0])))
        let little = LengthPrefixFraming(byteOrder: .littleEndian)
        #expect(error(little, [0, 0, 0, 5])?.foreignHeader?.otherByteCount == 5)
        #expect(error(little, [0, 0, 0x40, 5])?.foreignHeader?.otherByteCount == 0x4005)
        #expect(error(little, Array("GET /"))?.foreignHeader?.kind == .http)
        #expect(error(LengthPrefixFraming(width: .eight), Array("{\"id\": 1}"))?.foreignHeader?.kind == .json)
        let short = LengthPrefixFraming(width: .two, maximumMessageByteCount: 300)
        #expect(error(short, [5, 0])?.foreignHeader?.otherByteCount == 5)
        #expect(error(DescriptorFraming(), Array("Content-Length: 2"))?.foreignHeader?.kind == .contentLength)
        #expect(error(ContentLengthFraming(), Array("{\"id\": 1}"))?.foreignHeader?.kind == .json)
        #expect(error(ContentLengthFraming(), [0x16, 0x03, 0x01])?.foreignHeader?.kind == .tls)
    }

    @Test func `is not looked for in a message to send`() {
        // The bytes of its length are 05 00.
        var output = FrameBuffer()
        let message = [UInt8](repeating: 0, count: 5 << 8)
        let framing = LengthPrefixFraming(width: .two, maximumMessageByteCount: 5)
        let error = #expect(throws: FramingError.self) { try framing.encode(message.span, into: &output) }
        #expect(error == .messageTooLarge(byteCount: 5 << 8, limit: 5))
    }

    @Test func `is said in one line, quoted, with the remedy`() {
        func text(_ bytes: [UInt8]) -> String { error(LengthPrefixFraming(), bytes)?.description ?? "" }
        let same = "(both ends need the same framing)"
        #expect(text(Array("hello\n")) == "the length 1751477356 is the text \"hell\" \(same)")
        #expect(text(Array("a\n\r\t")) == #"the length 1628048649 is the text "a\n\r\t" \#(same)"#)
        #expect(text(Array("GET / HTTP/1.1")) == "the length 1195725856 is the text \"GET \", as in HTTP \(same)")
        #expect(text(Array(#"{"id":1}"#)) == #"the length 2065852772 is the text "{\"id", as in JSON \#(same)"#)
        #expect(
            text(Array("Content-Length: 2"))
                == "the length 1131376244 is the text \"Cont\", as in a Content-Length header \(same)")
        #expect(text([0x16, 3, 1, 2]) == "the length 369295618 is 16 03 01 02, as in TLS \(same)")
        #expect(
            text(Array("PROXY ")) == "the length 1347571544 is 50 52 4f 58, as in the PROXY protocol \(same)")
        #expect(
            text([5, 0, 0, 0])
                == "message of 83886080 bytes exceeds the limit of 16777216: in the other byte order, the length is 5 "
                + "(both ends need the same framing; or maximumMessageByteCount of the framing raises it, at both ends)"
        )
        #expect(
            text([0x80, 0, 0, 0])
                == "length 0x80000000 is reserved: in the other byte order, the length is 128 \(same)")
        #expect(
            error(ContentLengthFraming(), [0x7B])?.description
                == "byte 0x7b cannot stand at offset 0 of a frame: the text \"{\", as in JSON \(same)")
    }
}
