// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

/// The admission of a server whose configuration changes, without sockets.
private struct Entrance {
    private let start = SuspendingClock.now
    private var configuration = PipeServer.Configuration()
    private(set) var admission: Admission

    init() {
        configuration.accessPolicy = .anyUser
        configuration.maximumConnectionCountPerUser = 1000
        configuration.maximumConnectionCount = 1000
        admission = Admission(configuration, ownUserID: 1000, descriptorLimit: 20_000)
    }

    mutating func change(_ change: (inout PipeServer.Configuration) -> Void) {
        change(&configuration)
        admission.follow(configuration, descriptorLimit: 20_000)
    }

    mutating func refusal(of user: UInt32, open: Int = 0, after time: Duration = .zero) -> ConnectionRefusal? {
        let peer = PeerCredentials(userID: user, groupID: user, processID: 1)
        let now = start + time
        let refusal = admission.refusal(of: peer, openCount: open, now: now) { [] }
        if refusal == nil { admission.didOpen(peer) }
        return refusal
    }

    mutating func close(_ user: UInt32) {
        admission.didClose(PeerCredentials(userID: user, groupID: user, processID: 1))
    }
}

@Suite struct `The decision about a client after a change of the configuration` {
    @Test func `follows the new policy and the new maximum`() {
        var entrance = Entrance()
        #expect(entrance.refusal(of: 2000, open: 10) == nil)
        entrance.change { $0.maximumConnectionCount = 10 }
        #expect(entrance.refusal(of: 2000, open: 10) == .connectionLimit)
        #expect(entrance.refusal(of: 2000, open: 9) == nil)
        entrance.change { $0.accessPolicy = .ownUser }
        #expect(entrance.refusal(of: 2000) == .policy)
        #expect(entrance.refusal(of: 1000) == nil)
        entrance.change { $0.maximumConnectionCount = nil }
        #expect(entrance.refusal(of: 1000, open: 19_935) == nil)
        #expect(entrance.refusal(of: 1000, open: 19_936) == .connectionLimit)
    }

    @Test func `counts the connections that were open before there was a limit for a user`() {
        var entrance = Entrance()
        for user in [2000, 3000, 2000, 4000, 2000] as [UInt32] { #expect(entrance.refusal(of: user) == nil) }
        entrance.change { $0.maximumConnectionCountPerUser = 3 }
        #expect(entrance.refusal(of: 2000) == .userConnectionLimit)
        #expect(entrance.refusal(of: 3000) == nil)
        entrance.change { $0.maximumConnectionCountPerUser = 2 }
        entrance.close(2000)
        #expect(entrance.refusal(of: 2000) == .userConnectionLimit)
        entrance.close(2000)
        #expect(entrance.refusal(of: 2000) == nil)
        #expect(entrance.admission.users.rememberedUserCount == 3)
    }

    @Test func `gives each user a burst when the rate changes, and none when it does not`() {
        var entrance = Entrance()
        entrance.change { $0.connectRatePerUser = ConnectRate(burst: 2, perSecond: 0.001) }
        #expect((0..<3).map { _ in entrance.refusal(of: 2000) } == [nil, nil, .userConnectRate])
        entrance.change { $0.maximumConnectionCount = 500 }
        #expect(entrance.refusal(of: 2000) == .userConnectRate)
        entrance.change { $0.connectRatePerUser = ConnectRate(burst: 1, perSecond: 1) }
        #expect((0..<2).map { _ in entrance.refusal(of: 2000, after: .seconds(1)) } == [nil, .userConnectRate])
        #expect(entrance.refusal(of: 2000, after: .seconds(2)) == nil)
        entrance.change { $0.connectRatePerUser = nil }
        #expect((0..<9).allSatisfy { _ in entrance.refusal(of: 2000, after: .seconds(2)) == nil })
        #expect(entrance.admission.users.rememberedUserCount == 1)
    }
}

@Suite struct `The number of connections of each user` {
    @Test func `is that of a list, in any order of users`() {
        var random = Seeded(21)
        var counts = UserCounts()
        var list: [UInt32: Int] = [:]
        for _ in 0..<2000 {
            let user = UInt32.random(in: 0...5, using: &random)
            if Bool.random(using: &random) {
                counts.add(user)
                list[user, default: 0] += 1
            } else {
                // One who has none stays at none.
                counts.remove(user)
                list[user] = max(0, list[user, default: 0] - 1)
            }
            #expect((0...5).allSatisfy { counts[$0] == list[$0, default: 0] })
            #expect(counts.userCount == list.values.count { $0 > 0 })
        }
    }
}
