// SPDX-License-Identifier: Apache-2.0
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
    func `what is no size is refused`(_ text: String) {
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

    @Test func `text is shown as it is, but for what is not seen`() {
        #expect(printable("a b é 日本 \\") == "a b é 日本 \\")
        #expect(
            printable("\u{0}\u{1B}\n\r\t\u{7F}\u{85}\u{2028}\u{202E}")
                == #"\u{0}\u{1B}\n\r\t\u{7F}\u{85}\u{2028}\u{202E}"#)
        #expect(printable([0xC3, 0x28, 0x00, 0x5C, 0x7E]) == #"\xC3(\x00\\~"#)
    }

    @Test func `JSON is escaped in JSON's own way`() {
        #expect(escapedForJSON("\"\u{9B}\u{202E}\u{E0001}é\"") == #""\u009b\u202e\udb40\udc01é""#)
    }
}
