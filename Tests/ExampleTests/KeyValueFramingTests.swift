// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@testable import KeyValue

/// The messages of a stream, without a socket.
struct KeyValueFramingTests {
    private static let framing = RequestFraming()

    private static let requests = [
        "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n", "PING\r\n", "*0\r\n", "*-1\r\n", "*-10\r\n", "\r\n", "get k\n",
        "*1\r\n$4\r\n\r\n*1\r\n",
    ]

    @Test func `each command is a message, wherever the stream is cut`() {
        let stream = Array(Self.requests.joined().utf8)
        let expected = Outcome(messages: Self.requests.map { Array($0.utf8) })
        for first in 0...stream.count {
            for second in first...stream.count {
                guard Self.framing.outcome(of: stream, cutAt: [first, second]) == expected else {
                    Issue.record("cut at \(first) and \(second)")
                    return
                }
            }
        }
        #expect(Self.framing.outcome(of: stream, cutAt: Array(0..<stream.count)) == expected)
    }

    @Test func `a command that is not complete is not delivered`() {
        let request = Array(Self.requests[0].utf8)
        for count in 1..<request.count {
            let expected = Outcome(unfinishedByteCount: count)
            #expect(Self.framing.outcome(of: Array(request.prefix(count))) == expected)
        }
    }

    @Test(arguments: [
        ("*a", "invalid multibulk length", 2), ("*1048577\r\n", "invalid multibulk length", 8),
        ("*-0\r\n", "invalid multibulk length", 3), ("*-9223372036854775809\r\n", "invalid multibulk length", 21),
        ("*01\r\n", "invalid multibulk length", 3),
        ("*\r\n", "invalid multibulk length", 2), ("*1\rx", "invalid multibulk length", 4),
        ("*1\r\nx", "expected '$', got 'x'", 5), ("*1\r\n\u{7}", "expected '$', got ' '", 5),
        ("*1\r\n$-1\r\n", "invalid bulk length", 6),
        ("*1\r\n$67108865\r\n", "invalid bulk length", 13), ("*1\r\n$67108864\r\n", "invalid bulk length", 15),
        ("*1\r\n$99999999999999999999\r\n", "invalid bulk length", 13),
    ])
    func `a command that cannot become one is delivered up to the byte that shows it`(
        stream: String, error: String, at count: Int
    ) throws {
        let bytes = Array(stream.utf8)
        let first = try #require(Self.framing.outcome(of: bytes).messages.first)
        #expect(first == Array(bytes.prefix(count)))
        #expect(Self.framing.outcome(of: bytes, cutAt: Array(0..<bytes.count)).messages.first == first)
        guard case .malformed(let found, count) = RequestScan.scan(first.span, argument: { _ in }) else {
            Issue.record("not malformed: \(stream)")
            return
        }
        #expect(found.text == error)
    }

    /// As the database is called: it takes what the framing delivers.
    @Test(arguments: ["*1\r\n$67108865\r\n", "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$2000000000\r\n"])
    func `82 · what the framing delivers the database takes, by the same limit`(stream: String) throws {
        let frame = try #require(Self.framing.outcome(of: Array(stream.utf8)).messages.first)
        var database = Database()
        let outcome = database.execute(frame.span)
        #expect(outcome == .closes)
        let reply = database.reply.array
        #expect(reply == Array("-ERR Protocol error: invalid bulk length\r\n".utf8))
    }

    @Test(arguments: [41, 42, 43] as [UInt64])
    func `82 · damaged streams are answered, command by command`(seed: UInt64) {
        var random = Seeded(seed)
        let sound = Array((Self.requests + ["*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n", "lpush l a\r\n"]).joined().utf8)
        for _ in 0..<300 {
            var stream = sound
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: stream.indices, using: &random)
                stream[index] = "*$\r\n019-x".utf8.randomElement(using: &random) ?? 0
            }
            var database = Database()
            for message in Self.framing.outcome(of: stream).messages where database.execute(message.span) == .closes {
                break
            }
            let answers = String(decoding: database.reply.array, as: UTF8.self)
            #expect(!answers.contains("cut short"), "seed \(seed)")
        }
    }

    @Test func `a line that does not end is refused at its limit`() {
        let line = Array(repeating: UInt8(ascii: "x"), count: 70_000)
        let outcome = Self.framing.outcome(of: line, cutAt: [1, 10, 65_535])
        #expect(outcome.messages.first?.count == 65_536)
        #expect(Self.framing.outcome(of: line).messages.first?.count == 65_536)
        #expect(Self.framing.outcome(of: Array(line.prefix(65_535))).messages.isEmpty)
    }

    @Test(arguments: [31, 32, 33] as [UInt64])
    func `damaged streams are cut the same however they arrive`(seed: UInt64) {
        var random = Seeded(seed)
        let sound = Array(Self.requests.joined().utf8)
        for _ in 0..<300 {
            var stream = sound
            for _ in 0..<3 {
                let index = Int.random(in: stream.indices, using: &random)
                stream[index] = "*$\r\n019-x".utf8.randomElement(using: &random) ?? 0
            }
            let cuts = (0..<6).map { _ in Int.random(in: 0...stream.count, using: &random) }.sorted()
            #expect(Self.framing.outcome(of: stream, cutAt: cuts) == Self.framing.outcome(of: stream), "seed \(seed)")
        }
    }

    /// If a scan started over with each piece, ten times as many pieces would take a hundred times as long.
    @Test func `many strings that arrive in small pieces are each looked at once`() {
        func time(_ count: Int) -> Duration {
            let stream =
                Array("*\(count)\r\n".utf8) + repeatElement(Array("$1\r\nx\r\n".utf8), count: count).joined()
            let framing = RequestFraming()
            let cuts = Array(stride(from: 0, to: stream.count, by: 7))
            let before = threadTime()
            #expect(scan(stream, cuts, framing) == 1)
            return threadTime() - before
        }
        let few = time(5000)
        #expect(time(50_000) < few * 40)
    }

    /// As a connection does it, without a copy of everything for each piece.
    private func scan(_ stream: [UInt8], _ cuts: [Int], _ framing: RequestFraming) -> Int {
        var scanned = 0
        var count = 0
        for end in cuts.dropFirst() + [stream.count] {
            let arrived = stream.span.extracting(0..<end)
            guard let walk = try? framing.scanFrames(in: arrived, scannedByteCount: scanned, deliver: { _ in true })
            else { return -1 }
            scanned = walk.scannedByteCount
            count += walk.consumedByteCount > 0 ? 1 : 0
        }
        return count
    }

    @Test(arguments: [
        (#"set k "a b\n\x41\"""#, ["set", "k", "a b\nA\""]), ("  get\t'it\\'s'  \r\n", ["get", "it's"]), ("\r\n", []),
        (#"echo "\xzz" ''"#, ["echo", "xzz", ""]),
    ])
    func `a line becomes words as at a prompt`(line: String, words: [String]) throws {
        #expect(try InlineCommand.words(of: line.utf8.span) == words.map { Array($0.utf8) })
    }

    @Test(arguments: [#"get "k"#, #"get "k"x"#, "get 'k"])
    func `quotes that do not match are an error`(line: String) {
        #expect(throws: ProtocolError.unbalancedQuotes) { try InlineCommand.words(of: line.utf8.span) }
    }
}
