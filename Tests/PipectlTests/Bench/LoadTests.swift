// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import pipectl

struct LoadTests {
    @Test func `every message differs from those before it and of other connections`() {
        var message = LoadMessage(byteCount: 20)
        var seen: Set<[UInt8]> = []
        for connection in 0..<20 {
            for number in 0..<100 {
                message.become(number, of: connection)
                #expect(message.bytes.count == 20)
                seen.insert(message.bytes)
            }
        }
        #expect(seen.count == 2000)
        var small = LoadMessage(byteCount: 2)
        small.become(0x21, of: 0)
        #expect(small.bytes == Array("12".utf8))
        var fixed = LoadMessage(fixed: [7])
        fixed.become(3, of: 4)
        #expect(fixed.bytes == [7])
    }

    @Test func `a message with boundaries is one reply`() {
        var check = ReplyCheck()
        let message = Array("hello".utf8)
        #expect(check.examine(message.span) { _ in message }.wrongCount == 0)
        #expect(check.examine(message.span) { _ in Array("hell".utf8) }.wrongCount == 1)
        #expect(check.examine(message.span) { _ in Array("hello!".utf8) }.wrongCount == 1)
        #expect(check.examine([UInt8]().span) { _ in [] }.wrongCount == 0)
        #expect(check.examine(message.span) { _ in nil }.replyCount == 1)
    }

    @Test func `a stream is cut into replies, wherever its pieces end`() {
        let replies = ["abc", "def", "ghi"].map { Array($0.utf8) }
        let stream = Array(replies.joined())
        for first in 0...stream.count {
            for second in first...stream.count {
                var check = ReplyCheck(streamedByteCount: 3)
                var (replyCount, wrongCount) = (0, 0)
                for piece in [stream[..<first], stream[first..<second], stream[second...]] {
                    let bytes = Array(piece)
                    let outcome = check.examine(bytes.span) { replies[replyCount + $0] }
                    replyCount += outcome.replyCount
                    wrongCount += outcome.wrongCount
                }
                #expect((replyCount, wrongCount) == (3, 0))
            }
        }
        var check = ReplyCheck(streamedByteCount: 3)
        let wrong = Array("abcdXfghi".utf8)
        let outcome = check.examine(wrong.span) { replies[$0] }
        #expect((outcome.replyCount, outcome.wrongCount) == (3, 1))
    }

    @Test(arguments: [0.5, 1, 3, 7, 1000, 33_333.3, 1_000_000, 99_999_999])
    func `a timetable never calls early and leaves nothing out`(_ rate: Double) {
        let timetable = Timetable(messagesPerSecond: rate)
        #expect(timetable.dueCount(at: -1) == 0)
        for number in [0, 1, 2, 99, 12_345, 1_000_000] {
            let time = timetable.dueTime(of: number)
            #expect(timetable.dueCount(at: time) > number)
            if number > 0 { #expect(timetable.dueCount(at: time - 1) <= number) }
        }
        #expect(timetable.dueTime(of: 0) == 0)
    }

    @Test func `ratios compare rounds that were next to each other`() throws {
        let rounds = { (seconds: [Int]) in
            seconds.map { second in
                var round = RoundResult()
                round.replyCount = 100
                round.nanoseconds = second * 1_000_000_000
                round.latencies.record(nanoseconds: second)
                return round
            }
        }
        let comparison = Comparison(rounds([1, 2, 4]), rounds([2, 2, 1]))
        let rate = try #require(comparison.messagesPerSecond)
        #expect(rate == Spread([0.5, 1, 4]))
        #expect([rate.lowest, rate.median, rate.highest] == [0.5, 1, 4])
        #expect(comparison.p50 == Spread([2, 1, 0.25]))
        #expect(Comparison([], []).messagesPerSecond == nil)
        #expect(Spread([1, 3])?.median == 2)
    }

    @Test func `rounds add up`() {
        var (first, second) = (RoundResult(), RoundResult())
        (first.dueCount, first.replyCount, first.worstSendDelay, first.nanoseconds) = (10, 8, 5, 100)
        (second.dueCount, second.replyCount, second.wrongCount, second.nanoseconds) = (10, 10, 1, 300)
        let sum = first + second
        #expect(sum.lostCount == 2 && sum.wrongCount == 1 && sum.worstSendDelay == 5 && sum.nanoseconds == 400)
    }
}
