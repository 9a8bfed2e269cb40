// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import NamedPipesRPC
import Testing

@testable import pipectl

struct TextTests {
    @Test(arguments: [
        ("0", 0), ("512", 512), ("512B", 512), ("64KiB", 65536), ("64 kib", 65536), ("1kB", 1000), ("16MiB", 16 << 20),
        ("2M", 2 << 20), ("1GB", 1_000_000_000),
    ])
    func `sizes have units`(_ text: String, _ byteCount: Int) {
        #expect(ByteSize(argument: text)?.byteCount == byteCount)
    }

    @Test(arguments: ["", "KiB", "-1", "1.5MiB", "1XB", "9223372036854775807KiB", "99999999999999999999"])
    func `invalid sizes are refused`(_ text: String) {
        #expect(ByteSize(argument: text) == nil)
    }

    @Test func `times have units, and none is for ever`() {
        #expect(TimeLimit(argument: "500ms")?.duration == .milliseconds(500))
        #expect(TimeLimit(argument: "50us")?.duration == .microseconds(50))
        #expect(TimeLimit(argument: "50µs")?.duration == .microseconds(50))
        #expect(TimeLimit(argument: "5")?.duration == .seconds(5))
        #expect(TimeLimit(argument: "0.5s")?.duration == .milliseconds(500))
        #expect(TimeLimit(argument: "2m")?.duration == .seconds(120))
        #expect(TimeLimit(argument: "0").map { $0.duration == nil } == true)
        for text in ["", "s", "-1s", "1y", "1e400", "inf", "99999999999h"] { #expect(TimeLimit(argument: text) == nil) }
    }

    @Test func `numbers are written to be read`() {
        #expect([0, 999, 1000, 1_234_567].map(grouped) == ["0", "999", "1,000", "1,234,567"])
        #expect([0, 999, 1000, 71_250_000].map { readable(byteCount: $0) } == ["0 B", "999 B", "1.0 kB", "71.3 MB"])
        #expect([0, 1, 2000].map { counted($0, "message") } == ["0 messages", "1 message", "2,000 messages"])
        #expect(readable(.microseconds(840)) == "840 µs")
        #expect(readable(.microseconds(4100)) == "4.1 ms")
        #expect(readable(.milliseconds(1200)) == "1.2 s")
    }

    @Test func `every way to cut the input gives the same lines`() {
        let input = Array("one\n\nthree\nlast".utf8)
        for cut in input.indices {
            var splitter = LineSplitter()
            let lines = splitter.append(input[..<cut]) + splitter.append(input[cut...])
            #expect(lines == ["one", "", "three"].map { Array($0.utf8) })
            #expect(splitter.finish() == Array("last".utf8))
            #expect(splitter.finish() == nil)
        }
    }

    @Test func `text is shown unchanged, apart from invisible characters`() {
        #expect(printable("a b é 日本 \\") == "a b é 日本 \\")
        #expect(printable(Array("a b é 日本".utf8)) == "a b é 日本")
        #expect(
            printable("\u{0}\u{1B}\n\r\t\u{7F}\u{85}\u{2028}\u{202E}")
                == #"\u{0}\u{1B}\n\r\t\u{7F}\u{85}\u{2028}\u{202E}"#)
        #expect(printable([0xC3, 0x28, 0x00, 0x5C, 0x7E]) == #"\xC3(\x00\\~"#)
    }

    @Test func `escaped text cannot be confused with text that looks like it`() {
        #expect(printable(Array(#"a\nb"#.utf8)) == #"a\\nb"#)
        #expect(printable(Array("a\nb".utf8)) == #"a\nb"#)
    }

    @Test func `numbers from other programs do no harm`() {
        #expect(whole(.infinity) > 0 && whole(-1e300) < 0 && whole(.nan) == 0)
        #expect(!decimal(1e300).isEmpty)
    }

    @Test func `JSON from other programs becomes one line of JSON, whatever its layout`() throws {
        let line = oneLine(try JSONText("{\r\n\"a\": [1,\r2],\t\"b\": \"\u{2028}\"\n}"))
        #expect(line.utf8.count { $0 == 0x0A } == 1 && line.utf8.last == 0x0A)
        #expect(!line.utf8.contains(0x0D))
        struct Reply: Decodable, Equatable {
            var a: [Int]
            var b: String
        }
        let reply = try JSONDecoder().decode(Reply.self, from: Data(line.utf8))
        #expect(reply == Reply(a: [1, 2], b: "\u{2028}"))
    }

    @Test func `complaints that are left out are counted`() {
        var complaints = Complaints()
        let start = SuspendingClock.now
        #expect(complaints.line("first", .refusal, at: start) == "first")
        for _ in 0..<3 { #expect(complaints.line("more", .refusal, at: start + .milliseconds(500)) == nil) }
        #expect(complaints.rest == "3 complaints were suppressed")
        #expect(complaints.line("its name is gone", .name, at: start + .milliseconds(500)) == "its name is gone")
        let later = complaints.line("last", .refusal, at: start + .seconds(2))
        #expect(later == "last (and 3 complaints like it before)")
        // Of a report that was limited before.
        #expect(complaints.line("one", .refusal, alsoFor: 4, at: start + .seconds(2)) == nil)
        let both = complaints.line("one", .refusal, alsoFor: 2, at: start + .seconds(4))
        #expect(both == "one (and 7 complaints like it before)")
        #expect(complaints.rest == nil)
    }

    @Test func `JSON is escaped in JSON's own way`() {
        #expect(escapedForJSON("\"\u{9B}\u{202E}\u{E0001}é\"") == #""\u009b\u202e\udb40\udc01é""#)
    }
}
