// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor
internal import Synchronization

/// The descriptors in flight of a server or client, by connection and user, and the connections that wait for some to
/// leave. Used from the reactor's thread, and from the threads that close or take descriptors.
///
/// ```
///     charge ─▶ arrived ─▶ taken by the delegate ─────────────────────────▶ release
///                   └────▶ hold: kept with a message, or being closed ────▶ release
/// ```
///
/// Arrival is limited by what is in flight altogether. Reading is limited by what is held: descriptors that arrived for
/// a message that is not complete leave only if more is read.
final class DescriptorLedger: Sendable {
    /// The one who pays.
    struct Account: Hashable, Sendable {
        let user: UInt32
        let connection: UInt64
    }

    private struct Usage {
        var inFlight = 0
        var held = 0
    }

    private struct State {
        var users: [UInt32: Usage] = [:]
        var connections: [UInt64: Usage] = [:]
        /// The keys of the connections that read nothing for now.
        var waiting: [UInt64] = []

        mutating func change(_ account: Account, _ change: (inout Usage) -> Void) {
            change(&users[account.user, default: Usage()])
            change(&connections[account.connection, default: Usage()])
            if users[account.user]?.inFlight == 0 { users[account.user] = nil }
            if connections[account.connection]?.inFlight == 0 { connections[account.connection] = nil }
        }
    }

    let acceptance: DescriptorPolicy.Acceptance
    private let executor: ReactorExecutor
    private let state = Mutex(State())

    init(_ acceptance: DescriptorPolicy.Acceptance, _ executor: ReactorExecutor) {
        self.acceptance = acceptance
        self.executor = executor
    }

    /// How many descriptors are in flight.
    var inFlightCount: Int { state.withLock { $0.users.values.reduce(0) { $0 + $1.inFlight } } }

    /// Charges for descriptors that have arrived.
    ///
    /// - Returns: the limit that has no room for them; nothing is charged then.
    func charge(_ count: Int, to account: Account) -> DescriptorProblem? {
        state.withLock { state in
            guard (state.connections[account.connection]?.inFlight ?? 0) + count <= acceptance.perConnection else {
                return .connectionLimit(acceptance.perConnection)
            }
            guard (state.users[account.user]?.inFlight ?? 0) + count <= acceptance.perUser else {
                return .userLimit(acceptance.perUser)
            }
            state.change(account) { $0.inFlight += count }
            return nil
        }
    }

    /// Descriptors in flight were delivered, and are kept or being closed.
    func hold(_ count: Int, of account: Account) {
        state.withLock { state in state.change(account) { $0.held += count } }
    }

    /// Descriptors are no longer in flight. From any thread.
    func release(_ count: Int, of account: Account, isHeld: Bool) {
        guard count > 0 else { return }
        let waiting = state.withLock { state in
            state.change(account) { usage in
                usage.inFlight -= count
                if isHeld { usage.held -= count }
            }
            return exchange(&state.waiting, with: [])
        }
        for key in waiting {
            ReactorReference<PipeConnection>(executor, key: key).perform { $0.descriptorsDidLeave() }
        }
    }

    /// Whether a connection may read more: whether two messages' worth fits behind what is held. If not, it waits, and
    /// is told when something has left.
    func mayRead(_ account: Account) -> Bool {
        let reserve = 2 * acceptance.perMessage
        return state.withLock { state in
            let hasRoom =
                (state.connections[account.connection]?.held ?? 0) + reserve <= acceptance.perConnection
                && (state.users[account.user]?.held ?? 0) + reserve <= acceptance.perUser
            if !hasRoom, !state.waiting.contains(account.connection) { state.waiting.append(account.connection) }
            return hasRoom
        }
    }
}

/// The account of descriptors in flight.
struct DescriptorTicket: Sendable {
    let ledger: DescriptorLedger
    let account: DescriptorLedger.Account
    private var isHeld = false

    init(_ ledger: DescriptorLedger, _ account: DescriptorLedger.Account) {
        self.ledger = ledger
        self.account = account
    }

    mutating func hold(_ count: Int) {
        guard !isHeld else { return }
        isHeld = true
        ledger.hold(count, of: account)
    }

    func release(_ count: Int) { ledger.release(count, of: account, isHeld: isHeld) }
}
