// SPDX-License-Identifier: Apache-2.0

/// The state of a client between its first `connect()` and the end of its `disconnect()`: a value, so that it can be
/// tested without a socket or a clock. Each method takes an event and returns what to do; ``PipeClient`` does it.
///
/// ```
///            connect                  didConnect
///    idle ────────────▶ attempting ───────────────▶ connected
///    ▲ ▲                │ ▲  │ ▲                        │
///    │ │    no server   │ │  │ │                        │ connectionWillReport
///    │ │    or no room  ▼ │  │ │ delayDidPass           ▼
///    │ │    waitingToConnect │ │                      ending
///    │ │          │          │ │                        │
///    │ └──────────┴──────────┤ │                        │ connectionDidEnd
///    │           fails       │ │                        │
///    │                       ▼ │                        │
///    │                waitingToReconnect ◀──────────────┤ lost, and a plan says when to connect again
///    └──────────────────────────────────────────────────┘ closed by this end, or no plan
///
///                  disconnect                connectionWillReport        connectionDidEnd
///    connected ────────────────▶ disconnecting ──────────────▶ ending ──────────────▶ ended
///    any other state ──────────────────── disconnect ────────────────────────────────▶ ended
/// ```
///
/// Events that are impossible in a state trap: the timers and the watch of an attempt are cancelled as it ends, and a
/// connection reports its end once. The owner may call ``connect()`` and ``disconnect()`` at any time. `Connection` is
/// a ``PipeConnection``, except in tests.
struct ClientLifecycle<Connection> {
    enum Phase {
        /// Neither connected nor trying.
        case idle
        /// An attempt is due at the end of the turn. Indirect, like the next case: an attempt is larger than everything
        /// else here together, and `send` looks at the phase for each message.
        indirect case attempting(ConnectAttempt)
        /// The last attempt found no server, or no room in its queue. The next one comes after a delay, when the
        /// directory changes, or when the time is up. Over a transport, also an attempt whose answer is still to come.
        indirect case waitingToConnect(ConnectAttempt)
        case connected(Connection, since: SuspendingClock.Instant)
        /// The connection has ended, and the delegate is being told.
        case ending(Sequel)
        /// The connection was lost. The next attempt comes after the delay.
        case waitingToReconnect(after: Duration)
        /// ``disconnect()`` was called. The connection sends what it has queued.
        case disconnecting(Connection)
        /// The client is done.
        case ended
    }

    /// What follows the end of a connection.
    enum Sequel {
        /// A new attempt, if the connection was lost and there is a plan; otherwise nothing.
        case reconnection(since: SuspendingClock.Instant)
        /// The owner called ``ClientLifecycle/connect()`` during the report of the end.
        case connect
        /// The owner called ``ClientLifecycle/disconnect()`` before.
        case end
    }

    /// What to do after an event. In each case the state may have changed, which is reported first; before that, a
    /// failed attempt (`failure`) is.
    enum Action {
        case nothing
        /// Limit the time, and attempt at the end of the turn.
        case begin
        /// Attempt again at the end of the turn.
        case attempt
        case retry(after: Duration)
        /// Watch the directory, if that is possible and not done yet, and attempt again after the delay at the latest.
        case waitForServer(retryAfter: Duration)
        /// End the attempt, if there is one, and begin another after the delay. No `failure` means that a connection
        /// was lost.
        case reconnect(after: Duration, failure: PipeError?)
        /// End the attempt for good, and report why it failed.
        case giveUp(PipeError)
        /// Close the connection, as ``PipeConnection/close()`` does.
        case close(Connection)
        /// End the attempt, if there is one: the client is idle, or has ended.
        case rest
        /// As `rest`; then connect, as the owner wants.
        case restAndConnect
    }

    private(set) var phase = Phase.idle
    /// Whether the owner has ever called ``connect()``.
    private(set) var hasBegun = false
    private let newAttempt: ConnectAttempt
    private var plan: ReconnectionPlan?

    init(_ address: PipeAddress, waitsForServer: Bool, _ reconnection: PipeClient.Reconnection?) {
        newAttempt = ConnectAttempt(address: address, waitsForServer: waitsForServer)
        plan = reconnection.map(ReconnectionPlan.init)
    }
}

// MARK: - What the owner calls

extension ClientLifecycle {
    mutating func connect() -> Action {
        switch phase {
        case .idle:
            hasBegun = true
            plan?.startOver()
            phase = .attempting(newAttempt)
            return .begin
        case .ending(.reconnection):
            phase = .ending(.connect)
            return .nothing
        case .attempting, .waitingToConnect, .connected, .waitingToReconnect, .ending(.connect):
            // It is connected, is trying, or is about to try.
            return .nothing
        case .disconnecting, .ending(.end), .ended:
            // A client that was told to disconnect does not come back.
            return .nothing
        }
    }

    mutating func disconnect() -> Action {
        switch phase {
        case .connected(let connection, _):
            phase = .disconnecting(connection)
            return .close(connection)
        case .idle, .attempting, .waitingToConnect, .waitingToReconnect, .ending:
            phase = .ended
            return .rest
        case .disconnecting, .ended:
            return .nothing
        }
    }
}

// MARK: - What becomes of an attempt

extension ClientLifecycle {
    /// The delay of `reconnect` has passed.
    mutating func delayDidPass() -> Action {
        switch phase {
        case .waitingToReconnect:
            phase = .attempting(newAttempt)
            return .begin
        case .idle, .attempting, .waitingToConnect, .connected, .ending, .disconnecting, .ended:
            preconditionFailure("a delay has passed in a state without one")
        }
    }

    mutating func queueWasFull(using generator: inout some RandomNumberGenerator) -> Action {
        var attempt = attempt
        return follow(attempt.queueWasFull(using: &generator), attempt, using: &generator)
    }

    /// `connect(2)` has failed.
    mutating func connectDidFail(
        _ error: SystemError, using generator: inout some RandomNumberGenerator
    ) -> Action {
        var attempt = attempt
        return follow(attempt.didFail(error, using: &generator), attempt, using: &generator)
    }

    /// There was no connection for another reason, after which repeating the attempt is useless.
    mutating func attemptDidFail(
        _ error: PipeError, using generator: inout some RandomNumberGenerator
    ) -> Action {
        precondition(isTrying, "no attempt is under way")
        if !error.isForGood, let delay = plan?.attemptDidFail(using: &generator) {
            phase = .waitingToReconnect(after: delay)
            return .reconnect(after: delay, failure: error)
        }
        phase = .idle
        return .giveUp(error)
    }

    /// The time is up. There is nothing to do if the last connect was successful.
    mutating func timeDidPass(using generator: inout some RandomNumberGenerator) -> Action {
        switch phase {
        case .attempting(let attempt), .waitingToConnect(let attempt):
            return attemptDidFail(attempt.timeoutError, using: &generator)
        case .idle, .connected, .ending, .waitingToReconnect, .disconnecting, .ended:
            return .nothing
        }
    }

    /// The directory is watched from now on, or cannot be. A server may have appeared before that, so the client tries
    /// again at once.
    mutating func didBeginToWatch(_ canWatch: Bool) -> Action {
        var attempt = attempt
        attempt.canWatch = canWatch
        phase = .attempting(attempt)
        return .attempt
    }

    /// The answer to the connect is still to come.
    mutating func dialIsPending() { phase = .waitingToConnect(attempt) }

    mutating func didConnect(_ connection: Connection, at now: SuspendingClock.Instant) {
        precondition(isTrying, "no attempt is under way")
        plan?.didConnect()
        phase = .connected(connection, since: now)
    }

    private mutating func follow(
        _ step: ConnectAttempt.Step, _ attempt: ConnectAttempt, using generator: inout some RandomNumberGenerator
    ) -> Action {
        switch step {
        case .retry(let delay):
            phase = .waitingToConnect(attempt)
            return .retry(after: delay)
        case .waitForServer(let delay):
            phase = .waitingToConnect(attempt)
            return .waitForServer(retryAfter: delay)
        case .fail(let error):
            return attemptDidFail(error, using: &generator)
        }
    }
}

// MARK: - The end of a connection

extension ClientLifecycle {
    /// The delegate is about to be told of the connection's end.
    mutating func connectionWillReport() {
        switch phase {
        case .connected(_, let since): phase = .ending(.reconnection(since: since))
        case .disconnecting: phase = .ending(.end)
        case .idle, .attempting, .waitingToConnect, .ending, .waitingToReconnect, .ended:
            preconditionFailure("no connection is left that could end")
        }
    }

    /// The delegate was told.
    ///
    /// - Parameters:
    ///   - isLost: whether it ended for a reason other than being closed by this end.
    ///   - now: the present time, to compute how long the connection lasted.
    ///   - generator: for the delay.
    mutating func connectionDidEnd(
        isLost: Bool, at now: SuspendingClock.Instant, using generator: inout some RandomNumberGenerator
    ) -> Action {
        switch phase {
        case .ending(.reconnection(let since)):
            guard isLost, let delay = plan?.connectionWasLost(after: now - since, using: &generator) else {
                phase = .idle
                return .rest
            }
            phase = .waitingToReconnect(after: delay)
            return .reconnect(after: delay, failure: nil)
        case .ending(.connect):
            phase = .idle
            return .restAndConnect
        case .ending(.end):
            phase = .ended
            return .rest
        case .ended:
            // The owner called disconnect during the report of the end.
            return .nothing
        case .idle, .attempting, .waitingToConnect, .connected, .waitingToReconnect, .disconnecting:
            preconditionFailure("a connection that ends reports it first")
        }
    }
}
