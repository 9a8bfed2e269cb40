// SPDX-License-Identifier: Apache-2.0
@testable import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

@Suite struct `A framing that skips bad lines` {
    private final class Errors: Sendable {
        let found = Mutex<[FramingError]>([])
    }

    /// Reads a text in pieces, as a connection does: the rest of each piece comes again, with the next one behind it.
    private func read(
        _ text: String, by size: Int, _ delimiter: String = "\n"
    ) throws -> (texts: [String], errors: [FramingError]) {
        let framing = LineSkipping(DelimiterFraming(Array(delimiter.utf8), maximumMessageByteCount: 5))
        let errors = Errors()
        framing.whenSkipping { error in errors.found.withLock { $0.append(error) } }
        var (texts, carried, scanned): ([String], [UInt8], Int) = ([], [], 0)
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            carried += rest.prefix(size)
            rest = rest.dropFirst(size)
            let walk = try framing.scanFrames(in: carried.span, scannedByteCount: scanned) { message in
                texts.append(String(decoding: Array(lent: message), as: UTF8.self))
                return true
            }
            carried.removeFirst(walk.consumedByteCount)
            scanned = walk.scannedByteCount
        }
        return (texts, errors.found.withLock(\.self))
    }

    @Test(arguments: [1, 2, 3, 7, 100])
    func `finds the same messages however the bytes arrive`(size: Int) throws {
        let result = try read("one\nmuch too long\ntwo\n\nand again much too long\nthree\n", by: size)
        #expect(result.texts == ["one", "two", "", "three"])
        #expect(result.errors == Array(repeating: .messageTooLarge(byteCount: 6, limit: 5), count: 2))
    }

    @Test(arguments: [1, 2, 3, 100])
    func `knows a long delimiter from its beginning`(size: Int) throws {
        let result = try read("ok\r\nmuch\rtoo\nlong\r\nfine\r\n", by: size, "\r\n")
        #expect(result.texts == ["ok", "fine"])
        #expect(result.errors.count == 1)
    }
}
