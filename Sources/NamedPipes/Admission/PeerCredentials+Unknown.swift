// SPDX-License-Identifier: Apache-2.0

// A peer's identity is what the kernel reports, or unknown. The kernel identifies the peer of a Unix socket only, not
// that of a pipe, a FIFO, a terminal, a file or a TCP connection. What the other end claims is not a substitute.

extension PeerCredentials {
    /// A peer that the kernel does not name: what writes into a pipe, a FIFO or a terminal.
    ///
    /// Its user and group are the ID that no user has (`(uid_t) -1`, setreuid(2)), its process is 0. Of all policies,
    /// only ``AccessPolicy/anyUser`` admits it. All such peers together count as one user.
    public static let unknown = PeerCredentials(userID: .max, groupID: .max, processID: 0)

    /// Whether the kernel named the peer.
    public var isKnown: Bool { userID != .max }
}
