// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

@testable import pipectl

/// The decisions of a replay, without a server and a clock.
struct ReplayProgressTests {
    private func scripts(_ lines: [(milliseconds: Int64, line: String)], isStream: Bool = false) throws
        -> [ReplayScript]
    {
        var recording = Recording()
        for (index, (milliseconds, line)) in lines.enumerated() {
            let bytes = Array(line.utf8.dropFirst(2))
            recording.events.append(
                .message(
                    CapturedMessage(
                        nanoseconds: 1_000_000_000 + milliseconds * 1_000_000, connection: String(line.prefix(1)),
                        direction: line.dropFirst().first == ">" ? .toServer : .toClient, userID: nil, processID: nil,
                        sequence: UInt64(index), byteCount: bytes.count, bytes: bytes)))
        }
        return try ReplayScript.all(of: recording, isStream: isStream, needsAnswers: true)
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func `as answered, a message waits for the answers before it, and time does not matter`() throws {
        let script = try scripts([(0, "1>a"), (500, "1<A"), (900, "1>b"), (950, "1>c"), (999, "1<B")])[0]
        var progress = ReplayProgress(script, .asAnswered, comparesAnswers: true)
        #expect(progress.next(at: .zero) == .send(bytes("a")))
        progress.didSend()
        #expect(progress.next(at: .seconds(100)) == .awaitAnswer(due: nil))
        #expect(progress.didReceive(bytes("A")) == nil)
        for text in ["b", "c"] {
            #expect(progress.next(at: .zero) == .send(bytes(text)))
            progress.didSend()
        }
        #expect(progress.next(at: .zero) == .awaitAnswer(due: nil))
        #expect(progress.missingCount == 1)
        #expect(
            progress.didReceive(bytes("X"))
                == .different(number: 1, offset: 0, expected: bytes("B"), actual: bytes("X")))
        #expect(progress.next(at: .zero) == .finish)
        #expect(progress.didReceive(bytes("Y")) == .unrecorded(bytes("Y")))
        #expect((progress.sentCount, progress.answerCount, progress.missingCount) == (3, 3, 0))
    }

    @Test func `at a pace, a message waits for its time, and answers do not matter`() throws {
        let script = try scripts([(0, "1>a"), (500, "1<A"), (900, "1>b"), (999, "1<B")])[0]
        var progress = ReplayProgress(script, .times(2), comparesAnswers: true)
        #expect(progress.next(at: .zero) == .send(bytes("a")))
        progress.didSend()
        #expect(progress.next(at: .milliseconds(449)) == .wait(until: .milliseconds(450)))
        #expect(progress.next(at: .milliseconds(450)) == .send(bytes("b")))
        progress.didSend()
        #expect(progress.next(at: .milliseconds(450)) == .awaitAnswer(due: .nanoseconds(499_500_000)))
        var careless = ReplayProgress(script, .asAnswered, comparesAnswers: false)
        for _ in 0..<2 { careless.didSend() }
        #expect(careless.next(at: .zero) == .finish && careless.missingCount == 0)
    }

    @Test func `a stream is compared byte by byte`() throws {
        let script = try scripts([(0, "1>a"), (0, "1<xy"), (0, "1<z"), (0, "1>b")], isStream: true)[0]
        var progress = ReplayProgress(script, .asAnswered, comparesAnswers: true)
        progress.didSend()
        #expect(progress.didReceive(bytes("x")) == nil)
        #expect(progress.next(at: .zero) == .awaitAnswer(due: nil) && progress.missingCount == 2)
        #expect(progress.didReceive(bytes("yz")) == nil)
        #expect(progress.next(at: .zero) == .send(bytes("b")))
    }

    @Test func `scripts begin in the order of the recording, and know what they overlap`() throws {
        let scripts = try scripts([(5, "2<hello"), (7, "1>a"), (8, "2>b"), (9, "3>c")])
        #expect(scripts.map(\.connection) == ["2", "1", "3"])
        #expect(scripts.map { [$0.first, $0.last] } == [[0, 2], [1, 1], [3, 3]])
        #expect(scripts.map(\.offset) == [0, 2_000_000, 4_000_000])
        #expect(scripts[0].requests.map(\.answersBefore) == [1])
    }

    @Test(arguments: [("max", ReplayPace.asAnswered), ("2.5", .times(2.5)), ("1", .times(1))])
    func `a pace is a factor or max`(_ text: String, _ pace: ReplayPace) {
        #expect(ReplayPace(argument: text) == pace)
    }

    @Test(arguments: ["", "0", "-1", "fast", "inf", "nan"]) func `other paces are refused`(_ text: String) {
        #expect(ReplayPace(argument: text) == nil)
    }

    @Test func `a difference shows the bytes around it, escaped`() {
        let long = bytes(String(repeating: "a", count: 100) + "\u{1B}" + String(repeating: "b", count: 100))
        var other = long
        other[100] = 0
        let text = AnswerDifference.different(number: 4, offset: 100, expected: long, actual: other).text
        #expect(text.hasPrefix("answer 5 differs at byte 100: recorded \"…aaaaaaaaaaaaaaaa\\u{1B}bbb"))
        #expect(text.contains("…\" (201 B), came \"…aaaaaaaaaaaaaaaa\\u{0}bbb"))
        let short = AnswerDifference.different(number: 0, offset: 2, expected: bytes("ab"), actual: bytes("abc")).text
        #expect(short == "answer 1 differs at byte 2: recorded \"ab\" (2 B), came \"abc\" (3 B)")
    }
}
