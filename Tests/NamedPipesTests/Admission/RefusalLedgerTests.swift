// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import NamedPipes

@Suite struct `The ledger of refusals` {
    private let start = SuspendingClock.now
    private let peer = PeerCredentials(userID: 2000, groupID: 1, processID: 1)

    /// The times of the reports, in milliseconds, if there is a refusal every millisecond.
    private func reportTimes(_ refusal: ConnectionRefusal, _ ledger: inout RefusalLedger, for count: Int) -> [Int] {
        (0..<count).filter { ledger.count(refusal, of: peer, at: start + .milliseconds($0)) != nil }
    }

    private func mostInOneSecond(_ times: [Int]) -> Int {
        times.map { first in times.count { (first..<first + 1000).contains($0) } }.max() ?? 0
    }

    @Test(arguments: ConnectionRefusal.allCases)
    func `66 · reports at most ten times in any second, once at the limit of descriptors`(_ refusal: ConnectionRefusal)
    {
        var ledger = RefusalLedger()
        let times = reportTimes(refusal, &ledger, for: 10_000)
        let limit = refusal == .descriptorLimit ? 1 : 10
        #expect(mostInOneSecond(times) <= limit)
        // Nor does it fall silent: in the long run, a second brings half of the limit.
        #expect(times.count >= 10 * max(1, limit / 2))
        #expect(times.first == 0)
    }

    @Test func `66 · has separate reports for each reason, and says how many were suppressed`() throws {
        var ledger = RefusalLedger()
        var told = 0
        for step in 0..<5000 {
            if let report = ledger.count(.policy, of: peer, at: start + .milliseconds(step)) {
                told += 1 + report.suppressedCount
            }
        }
        let other = ledger.count(.connectionLimit, of: peer, at: start + .seconds(5))
        #expect(other == RefusalReport(refusal: .connectionLimit, peer: peer, error: nil, suppressedCount: 0))
        let last = ledger.count(.policy, of: peer, at: start + .seconds(60))
        #expect(told + (try #require(last)).suppressedCount == 5000)
        var counts: [ConnectionRefusal: Int] = [:]
        ledger.counts.add(to: &counts)
        #expect(counts == [.policy: 5001, .connectionLimit: 1])
        #expect(ledger.countsByUser == [2000: 5002])
    }

    @Test func `66 · counts a bounded number of users one by one`() {
        var ledger = RefusalLedger()
        for _ in 0..<2 {
            for user in 0..<100_000 as Range<UInt32> {
                let peer = PeerCredentials(userID: user, groupID: 0, processID: 1)
                _ = ledger.count(.policy, of: peer, at: start)
            }
        }
        #expect(ledger.countsByUser.count == RefusalLedger.userLimit)
        #expect(ledger.countsByUser[0] == 2)
    }

    @Test func `20 · writes a report in one line, without any text of the peer's choice`() {
        let report = RefusalReport(
            refusal: .system, peer: peer, error: SystemError(call: "epoll_ctl", code: 28), suppressedCount: 3)
        #expect(
            report.description
                == "refused uid 2000, gid 1, pid 1: a system call failed: "
                + "epoll_ctl: No space left on device (errno 28), and 3 more before")
        #expect("\(ConnectionRefusal.policy)" == "the policy does not admit this peer")
    }
}
