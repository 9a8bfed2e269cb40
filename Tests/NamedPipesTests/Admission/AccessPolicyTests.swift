// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import Testing

@Suite struct `An access policy` {
    private func peer(_ user: UInt32, _ group: UInt32 = 7) -> PeerCredentials {
        PeerCredentials(userID: user, groupID: group, processID: 1)
    }

    /// Which of the users 0, 1000 (our own) and 2000 are admitted.
    private func admitted(_ policy: AccessPolicy) -> [UInt32] {
        [0, 1000, 2000].filter { policy.admits(peer($0), ownUserID: 1000) }
    }

    @Test func `17 · admits the users it names and no others`() {
        #expect(admitted(.anyUser) == [0, 1000, 2000])
        #expect(admitted(.ownUser) == [1000])
        #expect(admitted(.ownUserOrRoot) == [0, 1000])
        #expect(admitted(.users([2000])) == [2000])
        #expect(admitted(.users([])) == [])
    }

    @Test func `17 · admits members of a group, effective or supplementary`() {
        let policy = AccessPolicy.groups([44, 45])
        #expect(policy.admits(peer(2000, 44)))
        #expect(policy.admits(peer(2000, 7), supplementaryGroupIDs: [8, 45]))
        #expect(!policy.admits(peer(2000, 7), supplementaryGroupIDs: [8, 9]))
        // Membership counts, not privileges.
        #expect(!policy.admits(peer(0, 0)))
    }

    @Test func `17 · combines, and a combination of nothing admits no user`() {
        #expect(admitted(.any(of: [.ownUser, .users([2000])])) == [1000, 2000])
        #expect(admitted(.all(of: [.ownUserOrRoot, .users([0, 2000])])) == [0])
        #expect(admitted(.all(of: [.any(of: [.ownUser, .users([2000])]), .groups([7])])) == [1000, 2000])
        #expect(admitted(.any(of: [])) == [])
        #expect(admitted(.all(of: [])) == [])
    }

    @Test func `means this process's user where no other is named`() {
        #expect(AccessPolicy.ownUser.admits(peer(geteuid())))
        #expect(!AccessPolicy.ownUser.admits(peer(geteuid() + 1)))
    }

    @Test func `is equal to another with the same rules`() {
        #expect(AccessPolicy.users([1, 2]) == .users([2, 1]))
        #expect(AccessPolicy.any(of: [.ownUser]) != .ownUser)
    }
}
