// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import PipeFraming
import Testing

@Suite struct `A stream gives the same messages however it is cut` {
    /// Digits only: none of the delimiters can begin in them.
    static let three: [[UInt8]] = [[], Array("0123456789012345678901234567890123456789"), Array("7")]

    @Test(arguments: Subject.all(limit: 40))
    func `34: split at every pair of positions, empty and largest messages included`(subject: Subject) throws {
        for messages in [Self.three, Self.three.reversed()] {
            let stream = try subject.framing.encoded(messages)
            let expected = Outcome(messages: messages)
            for first in 0...stream.count {
                for second in stride(from: first, through: stream.count, by: isSanitized ? 7 : 1) {
                    let outcome = subject.framing.outcome(of: stream, cutAt: [first, second])
                    guard outcome == expected else {
                        Issue.record("cut at \(first) and \(second): \(outcome)")
                        return
                    }
                }
            }
        }
    }

    @Test(arguments: Subject.all(limit: 40))
    func `34: one byte at a time`(subject: Subject) throws {
        let stream = try subject.framing.encoded(Self.three)
        let outcome = subject.framing.outcome(of: stream, cutAt: Array(0..<stream.count))
        #expect(outcome == Outcome(messages: Self.three))
    }

    @Test(arguments: Subject.all(limit: 40))
    func `34: an unfinished last frame is never delivered`(subject: Subject) throws {
        let whole = try subject.framing.encoded(Self.three[2])
        for missing in 1..<whole.count {
            let outcome = subject.framing.outcome(of: whole + whole.dropLast(missing))
            let expected = Outcome(messages: [Self.three[2]], unfinishedByteCount: whole.count - missing)
            #expect(outcome == expected)
        }
    }

    @Test(arguments: Subject.binary(limit: 255), [1, 2, 3] as [UInt64])
    func `34: random binary messages cut at random`(subject: Subject, seed: UInt64) throws {
        var random = Seeded(seed)
        let messages = (0..<40).map { _ in random.bytes(Int.random(in: 0...255, using: &random)) }
        let stream = try subject.framing.encoded(messages)
        for round in 0..<20 {
            let cuts = random.cuts(1 << (round % 8), in: stream)
            let outcome = subject.framing.outcome(of: stream, cutAt: cuts)
            #expect(outcome == Outcome(messages: messages), "seed \(seed), cuts \(cuts)")
        }
    }

    /// The alphabet is that of the delimiters, so that nearly every position begins a delimiter that is never
    /// completed.
    @Test(arguments: Subject.delimiters(limit: 1000), [1, 2, 3] as [UInt64])
    func `34: text that nearly contains the delimiter, cut at random`(subject: Subject, seed: UInt64) throws {
        let delimiter = try #require(subject.framing as? DelimiterFraming).delimiter
        var random = Seeded(seed)
        let stream = (0..<600).map { _ in delimiter.randomElement(using: &random) ?? 0 }
        let whole = subject.framing.outcome(of: stream)
        #expect(whole.messages == naiveSplit(stream, delimiter))
        for _ in 0..<repetitions(50) {
            let cuts = random.cuts(12, in: stream)
            #expect(subject.framing.outcome(of: stream, cutAt: cuts) == whole, "seed \(seed), cuts \(cuts)")
        }
    }

    private func naiveSplit(_ stream: [UInt8], _ delimiter: [UInt8]) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        var current: [UInt8] = []
        for byte in stream {
            current.append(byte)
            if current.suffix(delimiter.count) == delimiter[...] {
                messages.append(current.dropLast(delimiter.count))
                current = []
            }
        }
        return messages
    }
}
