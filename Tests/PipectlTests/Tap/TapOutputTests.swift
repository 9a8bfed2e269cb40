// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

@testable import pipectl

struct TapOutputTests {
    private func message(
        _ bytes: [UInt8], _ direction: CapturedMessage.Direction = .toServer, of byteCount: Int? = nil
    ) -> CapturedMessage {
        CapturedMessage(
            nanoseconds: 1_234_567_890_123_456_789, connection: "17.1", direction: direction, userID: nil,
            processID: nil, sequence: 0, byteCount: byteCount ?? bytes.count, bytes: bytes)
    }

    private func lines(
        _ events: [CaptureEvent], grep: String? = nil, limit: Int = 1000, count: Int? = nil, json: Bool = false,
        isUTF8: Bool = true
    ) -> [String] {
        var output = TapOutput(text: grep, byteLimit: limit, count: count, isJSON: json, arrows: Arrows(isUTF8: isUTF8))
        return output.lines(for: events).split(separator: "\n").map { line in
            // Without the time, which depends on the time zone.
            line.first?.isNumber == true && line.contains(".123456  ") ? String(line.dropFirst(15)) : String(line)
        }
    }

    @Test func `has losses in their place, and says what is cut`() {
        let events: [CaptureEvent] = [
            .message(message(Array("hello".utf8))), .lost(1200), .message(message([0xFF, 0x0A], .toClient)),
            .message(message([], .toClient)), .message(message(Array("abc".utf8), of: 5000)), .lost(1),
        ]
        #expect(
            lines(events) == [
                "  17.1  - → 5 B  hello", "1,200 messages lost", #"  17.1  - ← 2 B  \xFF\x0A"#, "  17.1  - ← 0 B  ",
                "  17.1  - → 5.0 kB  abc…", "1 message lost",
            ])
        #expect(
            lines(events, limit: 2, isUTF8: false) == [
                "  17.1  - > 5 B  he...", "1,200 messages lost", #"  17.1  - < 2 B  \xFF\x0A"#, "  17.1  - < 0 B  ",
                "  17.1  - > 5.0 kB  ab...", "1 message lost",
            ])
        #expect(
            lines(events, limit: 0) == [
                "  17.1  - → 5 B", "1,200 messages lost", "  17.1  - ← 2 B", "  17.1  - ← 0 B", "  17.1  - → 5.0 kB",
                "1 message lost",
            ])
        #expect(
            lines(events, grep: "ell", limit: 3) == [
                "  17.1  - → 5 B  hel…", "1,200 messages lost", "1 message lost",
            ])
        #expect(
            lines(events, count: 2) == [
                "  17.1  - → 5 B  hello", "1,200 messages lost", #"  17.1  - ← 2 B  \xFF\x0A"#,
            ])
    }

    @Test func `has objects for all of it`() {
        let events: [CaptureEvent] = [.message(message([0xFF])), .lost(3)]
        let time = #""time":"2009-02-13T23:31:30.123456Z"}"#
        #expect(
            lines(events, json: true) == [
                #"{"base64":"/w==","connection":"17.1","direction":"in","sequence":0,"size":1,"# + time, #"{"lost":3}"#,
            ])
        #expect(
            lines(events, limit: 0, json: true) == [
                #"{"connection":"17.1","direction":"in","sequence":0,"size":1,"# + time, #"{"lost":3}"#,
            ])
    }

    @Test func `has a message's own text and nothing else that a terminal obeys`() {
        let hostile = "\u{1B}]0;x\u{7}\u{202E}\r"
        let events: [CaptureEvent] = [.message(message(Array(hostile.utf8)))]
        for isJSON in [false, true] {
            let text = lines(events, json: isJSON).joined()
            #expect(!text.isEmpty && text.unicodeScalars.allSatisfy { !$0.isInvisible })
        }
    }
}
