// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import NamedPipes

@Suite struct `The likely causes of a close before an answer` {
    private func causes(
        _ reason: DisconnectReason, after duration: Duration = .seconds(1), received: Int = 0, sent: Int = 0,
        taken: Int = 0, unsent: Int = 0
    ) -> [UnansweredClose.Cause]? {
        var facts = UnansweredClose.Facts(reason: reason, duration: duration)
        facts.receivedByteCount = received
        facts.sentByteCount = sent
        facts.takenMessageCount = taken
        facts.unsentMessageCount = unsent
        return UnansweredClose(facts)?.causes
    }

    @Test func `are none once something came back`() {
        #expect(causes(.closedByPeer, received: 1, sent: 9, taken: 1) == nil)
        #expect(causes(.resetByPeer, received: 1, sent: 9, taken: 1) == nil)
    }

    @Test func `are none where this end, or neither, has closed`() {
        let others: [DisconnectReason] = [
            .closedLocally, .idle, .serverStopped, .framing(.overlongVarint), .truncatedByPeer(missingByteCount: 1),
            .sessionLost(.silent),
        ]
        for reason in others { #expect(causes(reason, sent: 9, taken: 1) == nil) }
    }

    @Test func `are a refusal alone, where the server has taken nothing`() {
        #expect(causes(.closedByPeer) == [.refusal])
        #expect(causes(.closedByPeer, taken: 1, unsent: 1) == [.refusal])
    }

    @Test func `are no refusal, where the server has read everything`() {
        #expect(causes(.closedByPeer, sent: 9, taken: 1) == [.framing])
        #expect(causes(.closedByPeer, sent: 5000, taken: 1) == [.framing, .messageSize])
    }

    @Test func `are all, where a part of much was left unread`() {
        #expect(causes(.resetByPeer, sent: 9, taken: 1) == [.framing, .refusal])
        #expect(causes(.resetByPeer, sent: 200_000, taken: 1, unsent: 1) == UnansweredClose.Cause.allCases)
        #expect(causes(.closedByPeer, sent: 200_000, taken: 1, unsent: 1) == UnansweredClose.Cause.allCases)
    }

    @Test func `are no small size`() {
        #expect(causes(.closedByPeer, sent: 4096, taken: 1) == [.framing])
        #expect(causes(.closedByPeer, sent: 4097, taken: 1) == [.framing, .messageSize])
    }

    @Test func `are none after a while, unless the first message was the last`() {
        let late = UnansweredClose.recentTime + .nanoseconds(1)
        #expect(causes(.closedByPeer, after: UnansweredClose.recentTime, sent: 9, taken: 2) == [.framing])
        #expect(causes(.closedByPeer, after: late, sent: 9, taken: 2) == nil)
        #expect(causes(.closedByPeer, after: late) == nil)
        #expect(causes(.resetByPeer, after: late, sent: 9, taken: 1) == [.framing])
    }

    @Test func `are said in one line`() throws {
        let facts = UnansweredClose.Facts(reason: .resetByPeer, duration: .zero, sentByteCount: 5000)
        let causes = try #require(UnansweredClose(facts))
        let text = """
            nothing came back; the server may use another framing, or have a smaller maximum of message bytes, \
            or have refused this client (see its log)
            """
        #expect("\(causes)" == text)
        #expect(
            "\(PipeError.closedUnanswered(.resetByPeer, causes))"
                == "the connection has ended: closed by the peer before it had read everything: \(text)")
    }
}
