// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@testable import pipectl

struct ObservedStreamTests {
    private func observe(
        _ bytes: [UInt8], in framing: any MessageFraming, pieces: Int, room: Int = .max
    ) -> (messages: [[UInt8]], problems: [ObservedStream.Problem]) {
        var stream = ObservedStream(framing)
        var (messages, problems): ([[UInt8]], [ObservedStream.Problem]) = ([], [])
        var rest = bytes[...]
        while !rest.isEmpty {
            if let problem = stream.append(Array(rest.prefix(pieces)), room: room, deliver: { messages.append($0) }) {
                problems.append(problem)
            }
            rest = rest.dropFirst(pieces)
        }
        stream.end { messages.append($0) }
        return (messages, problems)
    }

    @Test(arguments: [1, 2, 5, 64, 100_000])
    func `messages are those of the frames, whatever the pieces`(_ pieces: Int) {
        let bodies = [pattern(300), [], pattern(5), pattern(70_000, seed: 2)]
        let found = observe(bodies.flatMap { frame($0) }, in: LengthPrefixFraming(), pieces: pieces)
        #expect(found.messages == bodies && found.problems.isEmpty)
        let lines = observe(Array("a\n\nbc\nrest".utf8), in: DelimiterFraming([10]), pieces: pieces)
        #expect(lines.messages == ["a", "", "bc", "rest"].map { Array($0.utf8) })
    }

    @Test(arguments: [1, 3, 100_000])
    func `behind what is no frame everything is shown once, in pieces`(_ pieces: Int) {
        let garbage = Array(repeating: 0xFF as UInt8, count: 50)
        let found = observe(frame("fine") + garbage, in: LengthPrefixFraming(), pieces: pieces)
        #expect(found.messages.first == Array("fine".utf8))
        #expect(found.messages.dropFirst().flatMap { $0 } == garbage)
        #expect(found.problems.count == 1)
    }

    @Test(arguments: [1, 10, 30]) func `a frame for whose beginning there is no room is shown in pieces`(_ pieces: Int)
    {
        let bytes = frame("fine") + frame(pattern(100)) + frame("unseen")
        let found = observe(bytes, in: LengthPrefixFraming(), pieces: pieces, room: 50)
        #expect(found.problems == [.noRoom])
        #expect(found.messages.first == Array("fine".utf8))
        #expect(found.messages.dropFirst().flatMap { $0 } == Array(bytes.dropFirst(8)))
        #expect(observe(bytes, in: LengthPrefixFraming(), pieces: pieces, room: 104).problems.isEmpty)
    }
}
