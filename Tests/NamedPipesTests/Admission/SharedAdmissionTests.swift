// SPDX-License-Identifier: Apache-2.0
import Dispatch
import PipeTestSupport
import Synchronization
import Testing

@testable import NamedPipes

@Suite struct `An admission that several threads share` {
    private let start = SuspendingClock.now

    private func admission(_ change: (inout PipeServer.Configuration) -> Void) -> SharedAdmission {
        var configuration = PipeServer.Configuration()
        change(&configuration)
        return SharedAdmission(Admission(configuration, ownUserID: 1000, descriptorLimit: 20_000))
    }

    private func peer(_ user: UInt32) -> PeerCredentials {
        PeerCredentials(userID: user, groupID: user, processID: 1)
    }

    private func refusal(_ admission: SharedAdmission, _ user: UInt32, groups: [UInt32] = []) -> ConnectionRefusal? {
        admission.takePlace(for: peer(user), now: start) { groups }
    }

    @Test func `counts what is taken and given back, in all and by user`() {
        let shared = admission {
            $0.accessPolicy = .anyUser
            $0.maximumConnectionCount = 3
            $0.maximumConnectionCountPerUser = 2
        }
        #expect(refusal(shared, 1) == nil && refusal(shared, 1) == nil)
        #expect(refusal(shared, 1) == .userConnectionLimit)
        #expect(refusal(shared, 2) == nil)
        #expect(refusal(shared, 3) == .connectionLimit)
        #expect(shared.takenCount == 3)
        shared.giveBackPlace(of: peer(1))
        #expect(refusal(shared, 3) == nil)
        #expect(shared.takenCount == 3)
    }

    @Test func `follows the policy, and takes no place for a client that it refuses`() {
        let shared = admission { $0.accessPolicy = .groups([44]) }
        #expect(refusal(shared, 1) == .policy)
        #expect(shared.takenCount == 0)
        #expect(refusal(shared, 1, groups: [44]) == nil)
        #expect(shared.takenCount == 1)
    }

    @Test func `has one rate for all threads`() {
        let shared = admission { $0.connectRatePerUser = ConnectRate(burst: 10, perSecond: 1) }
        let count = Count()
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<100 where refusal(shared, 1000) == nil { count.add() }
        }
        #expect(count.value == 10)
    }

    @Test func `reaches its limits exactly, and never exceeds them, whatever happens at once`() {
        let (limit, perUser) = (100, 60)
        let shared = admission {
            $0.accessPolicy = .anyUser
            $0.maximumConnectionCount = limit
            $0.maximumConnectionCountPerUser = perUser
        }
        // What each thread has taken itself, so that the sum never says more than is taken.
        let taken = (0..<2).map { _ in Count() }
        let most = Mutex([0, 0, 0])
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            let user = thread % 2
            for step in 0..<5000 {
                if refusal(shared, UInt32(user)) == nil {
                    taken[user].add()
                    let counts = [taken[0].value, taken[1].value, shared.takenCount]
                    most.withLock { most in for index in 0..<3 { most[index] = max(most[index], counts[index]) } }
                }
                if step % 3 == 2, taken[user].value > 4 {
                    taken[user].add(-1)
                    shared.giveBackPlace(of: peer(UInt32(user)))
                }
            }
        }
        let found = most.withLock { $0 }
        #expect(found[0] <= perUser && found[1] <= perUser && found[2] <= limit)
        #expect(shared.takenCount == taken[0].value + taken[1].value)
        // Nothing is lost: what is left can be taken to the last place.
        for user in [0, 1] as [UInt32] { while refusal(shared, user) == nil { taken[Int(user)].add() } }
        #expect(shared.takenCount == limit && taken[0].value + taken[1].value == limit)
        #expect(max(taken[0].value, taken[1].value) <= perUser)
    }
}
