// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

/// The decisions about clients, without sockets, on a clock that stands still unless a test moves it.
@Suite struct `The decision about a client` {
    private let start = SuspendingClock.now

    private func admission(limit: Int = 20_000, _ change: (inout PipeServer.Configuration) -> Void) -> Admission {
        var configuration = PipeServer.Configuration()
        change(&configuration)
        return Admission(configuration, ownUserID: 1000, descriptorLimit: limit)
    }

    private func refusal(
        _ admission: inout Admission, _ user: UInt32, open: Int = 0, after time: Duration = .zero,
        groups: [UInt32] = []
    ) -> ConnectionRefusal? {
        let peer = PeerCredentials(userID: user, groupID: user, processID: 1)
        let refusal = admission.refusal(of: peer, openCount: open, now: start + time) { groups }
        if refusal == nil { admission.didOpen(peer) }
        return refusal
    }

    private func close(_ admission: inout Admission, _ user: UInt32) {
        admission.didClose(PeerCredentials(userID: user, groupID: user, processID: 1))
    }

    @Test func `17 · follows the policy first, and asks for groups only where they matter`() {
        var own = admission { _ in }
        #expect(refusal(&own, 1000) == nil)
        #expect(refusal(&own, 0) == nil)
        #expect(refusal(&own, 2000, open: .max) == .policy)
        var asked = 0
        var group = admission { $0.accessPolicy = .any(of: [.ownUser, .groups([44])]) }
        func decide(_ peer: PeerCredentials) -> ConnectionRefusal? {
            group.refusal(of: peer, openCount: 0, now: start) {
                asked += 1
                return [44]
            }
        }
        #expect(decide(PeerCredentials(userID: 1000, groupID: 1, processID: 1)) == nil)
        #expect(decide(PeerCredentials(userID: 2000, groupID: 44, processID: 1)) == nil)
        #expect(asked == 0)
        #expect(decide(PeerCredentials(userID: 2000, groupID: 1, processID: 1)) == nil)
        #expect(asked == 1)
    }

    @Test func `17 · refuses a client whose groups cannot be looked up`() {
        struct Unknown: Error {}
        var group = admission { $0.accessPolicy = .groups([44]) }
        #expect(throws: Unknown.self) {
            try group.refusal(
                of: PeerCredentials(userID: 2000, groupID: 1, processID: 1), openCount: 0, now: start,
                groups: { () throws(Unknown) in throw Unknown() })
        }
    }

    @Test func `21 · leaves eight places to root, unless the number was configured`() {
        var admission = admission { _ in }
        #expect(refusal(&admission, 1000, open: 20_000 - 65) == nil)
        #expect(refusal(&admission, 1000, open: 20_000 - 64) == .connectionLimit)
        #expect(refusal(&admission, 0, open: 20_000 - 57) == nil)
        #expect(refusal(&admission, 0, open: 20_000 - 56) == .connectionLimit)
        var said = self.admission { $0.maximumConnectionCount = 10 }
        #expect(refusal(&said, 0, open: 10) == .connectionLimit)
    }

    @Test func `21 · has room for what the limit of descriptors allows, less a reserve`() {
        #expect(admission(limit: 20_000) { _ in }.capacity == 19_936)
        #expect(admission(limit: 40) { _ in }.capacity == 30)
        #expect(admission(limit: 1) { _ in }.capacity == 1)
        #expect(admission(limit: .max) { _ in }.capacity == .max - 64)
        #expect(admission { $0.maximumConnectionCount = 5 }.capacity == 5)
        #expect(admission { $0.maximumConnectionCount = -5 }.capacity == 1)
        var full = admission { $0.maximumConnectionCount = 5 }
        #expect(refusal(&full, 1000, open: 4) == nil)
        #expect(refusal(&full, 1000, open: 5) == .connectionLimit)
    }

    @Test func `21 · leaves three quarters to others where strangers may enter, and limits no user where not`() {
        var anybody = admission(limit: 1064) { $0.accessPolicy = .anyUser }
        for _ in 0..<250 { #expect(refusal(&anybody, 2000) == nil) }
        #expect(refusal(&anybody, 2000) == .userConnectionLimit)
        #expect(refusal(&anybody, 3000) == nil)
        close(&anybody, 2000)
        #expect(refusal(&anybody, 2000) == nil)
        #expect(refusal(&anybody, 2000) == .userConnectionLimit)

        var small = admission(limit: 264) { $0.accessPolicy = .anyUser }
        for _ in 0..<128 { #expect(refusal(&small, 2000) == nil) }
        #expect(refusal(&small, 2000) == .userConnectionLimit)

        for policy in [
            AccessPolicy.ownUser, .ownUserOrRoot, .users([0]), .any(of: [.ownUser, .users([0, 1000])]),
            .all(of: [.groups([44]), .ownUser]),
        ] {
            #expect(!admission { $0.accessPolicy = policy }.users.areLimiting)
        }
        for policy in [AccessPolicy.anyUser, .users([0, 2000]), .groups([44]), .any(of: [.ownUser, .groups([44])])] {
            #expect(admission { $0.accessPolicy = policy }.users.areLimiting)
        }
    }

    @Test func `21 · lets a user connect in a burst, then at its own rate, whatever others attempt`() {
        var limited = admission { $0.connectRatePerUser = ConnectRate(burst: 3, perSecond: 2) }
        func tries(_ user: UInt32, _ count: Int, after time: Duration) -> Int {
            (0..<count).count { _ in refusal(&limited, user, after: time) == nil }
        }
        #expect(tries(1000, 10, after: .zero) == 3)
        #expect(tries(0, 10, after: .zero) == 3)
        #expect(tries(1000, 10, after: .milliseconds(499)) == 0)
        #expect(tries(1000, 10, after: .milliseconds(500)) == 1)
        #expect(tries(1000, 10, after: .milliseconds(1500)) == 2)
        #expect(tries(1000, 10, after: .seconds(3600)) == 3)
        #expect(refusal(&limited, 1000, after: .seconds(3600)) == .userConnectRate)
    }

    @Test func `21 · replaces rates that make no sense by the nearest that do`() {
        #expect(ConnectRate(burst: -1, perSecond: .nan) == ConnectRate(burst: 1, perSecond: 1.0 / 86_400))
        #expect(ConnectRate(burst: .max, perSecond: .infinity) == ConnectRate(burst: 1_000_000, perSecond: 1_000_000))
        #expect(ConnectRate(burst: 5, perSecond: -3) == ConnectRate(burst: 5, perSecond: 1.0 / 86_400))
    }

    @Test func `21 · forgets a user who has nothing open and has not connected for long`() throws {
        var limited = admission {
            $0.accessPolicy = .anyUser
            $0.connectRatePerUser = ConnectRate(burst: 2, perSecond: 1)
        }
        for user in 0..<1000 as Range<UInt32> { #expect(refusal(&limited, user) == nil) }
        #expect(limited.users.rememberedUserCount == 2000)
        for user in 0..<1000 as Range<UInt32> { close(&limited, user) }
        #expect(limited.users.rememberedUserCount == 1000)
        // Two generations of two seconds.
        #expect(refusal(&limited, 5000, after: .seconds(2)) == nil)
        #expect(refusal(&limited, 5000, after: .seconds(4)) == nil)
        #expect(limited.users.rememberedUserCount == 3)
    }

    @Test func `21 · forgets no bucket before it is full, and keeps a bounded number`() throws {
        var limited = admission {
            $0.accessPolicy = .anyUser
            $0.connectRatePerUser = ConnectRate(burst: 10, perSecond: 1)
        }
        // A user who tries all the time, over many generations: ten at once and one a second.
        let count = (0..<1000).count { refusal(&limited, 2000, after: .milliseconds($0 * 100)) == nil }
        #expect(count == 10 + 99)
        for user in 0..<100_000 as Range<UInt32> {
            _ = refusal(&limited, user, after: .seconds(200))
            close(&limited, user)
        }
        #expect(limited.users.rememberedUserCount <= 2 * UserLimits.bucketLimit + 2000)
    }

    @Test func `21 · takes as long for each of 100,000 users as for each of 1,000`() {
        func time(_ userCount: UInt32) -> Duration {
            var limited = admission(limit: 1 << 30) { $0.accessPolicy = .anyUser }
            for user in 0..<userCount { _ = refusal(&limited, user) }
            // The best of several, in the thread's own time, so that the rest of the machine does not count.
            return (0..<5).map { _ in
                let before = threadTime()
                for step in 0..<2000 as Range<UInt32> {
                    let user = step &* 7919 % userCount
                    _ = refusal(&limited, user)
                    close(&limited, user)
                }
                return threadTime() - before
            }.min() ?? .zero
        }
        // A scan would take a hundred times as long; a larger table misses the caches.
        #expect(time(100_000) < time(1000) * 15)
    }
}
