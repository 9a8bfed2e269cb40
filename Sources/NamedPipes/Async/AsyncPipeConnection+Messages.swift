// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

extension AsyncPipeConnection {
    /// The received messages, in the order in which the peer sent them.
    ///
    /// The sequence ends after the last message when the peer finishes, when this end closes or is detached, or when
    /// the server stops.
    /// Any other end is thrown, once, as ``PipeError/disconnected(_:)``, after the messages that arrived before it.
    ///
    /// Messages do not accumulate without bound: while ``PipeConnection/Configuration/unreadByteLimit`` bytes are
    /// unread, nothing more is read, and the kernel makes the peer wait.
    ///
    /// Iteration may stop and begin again; messages that have arrived stay. Any number of tasks may iterate, on the
    /// reactor's thread and elsewhere: each message goes to one of them, the first message to the first task, and each
    /// iteration ends when the messages do. So concurrent iterations share the work.
    public nonisolated var messages: Messages { Messages(connection: self) }

    /// The next message; see ``messages``.
    ///
    /// It may be called between two messages of an iteration, on the same task or another.
    ///
    /// - Returns: nil after the last one.
    /// - Throws: ``PipeError/disconnected(_:)`` or `CancellationError`.
    public nonisolated(nonsending) func nextMessage() async throws -> PipeMessage? {
        if let message = takeAtOnce() { return message }
        return try await waitForMessage()
    }

    /// A message that is already there, if the caller can take it without leaving its thread.
    @inline(__always)
    fileprivate nonisolated func takeAtOnce() -> PipeMessage? {
        executor.isCurrent ? (unsafe state.takeFirst()) : takeLent()
    }

    nonisolated func takeLent() -> PipeMessage? {
        guard let (message, isWorthTelling) = unsafe state.lent?.takeFirst() else { return nil }
        if isWorthTelling { executor.post { [self] _ in unsafe state.lentDidChange() } }
        return message
    }

    @inline(__always)
    fileprivate nonisolated(nonsending) func waitForMessage() async throws -> PipeMessage? {
        while executor.isCurrent {
            switch try takeOnReactor() {
            case .message(let message): return message
            case .end: return nil
            case .nothing: try await wait(for: .message)
            }
            // A task on an actor that other threads use, too, goes on where the actor is.
        }
        return try await waitFromElsewhere()
    }

    /// Takes one message for the caller, and lends the messages behind it to other threads: the next ones are then
    /// available without a hop.
    @inline(never)
    func waitFromElsewhere() async throws -> PipeMessage? {
        while true {
            switch try takeOnReactor() {
            case .message(let message):
                unsafe state.lend()
                return message
            case .end: return nil
            case .nothing: try await wait(for: .message)
            }
        }
    }

    private enum Taken {
        case message(PipeMessage), end, nothing
    }

    // Not inlined: what it needs would be a part of its caller's frame, which lives as long as the task waits.
    @inline(never)
    private nonisolated func takeOnReactor() throws -> Taken {
        if let message = unsafe state.takeFirst() { return .message(message) }
        guard unsafe state.isInputFinished else { return .nothing }
        try reportEnd()
        return .end
    }

    /// Throws the reason of the end, once, if it was not a clean end.
    nonisolated func reportEnd() throws {
        switch unsafe state.endReason {
        case nil, .closedByPeer, .closedLocally, .serverStopped, .detached: return
        case let reason?:
            guard unsafe !state.didReportEnd else { return }
            unsafe state.didReportEnd = true
            throw PipeError.disconnected(reason)
        }
    }

    /// The messages that a connection receives; see ``AsyncPipeConnection/messages``.
    public struct Messages: AsyncSequence, Sendable {
        public typealias Element = PipeMessage

        let connection: AsyncPipeConnection

        public func makeAsyncIterator() -> Iterator { Iterator(connection: connection) }

        /// Takes messages one by one: on the reactor's thread from the connection, elsewhere from the messages lent to
        /// other threads. The iterator itself holds no message.
        public struct Iterator: AsyncIteratorProtocol {
            private let connection: AsyncPipeConnection

            init(connection: AsyncPipeConnection) { self.connection = connection }

            /// The next message; nil after the last one.
            public mutating nonisolated(nonsending) func next() async throws -> PipeMessage? {
                try await next(isolation: #isolation)
            }

            /// The next message; nil after the last one.
            ///
            /// Inlined into its caller, and without an `isolated` parameter of its own, which would have it look up
            /// twice a message whether to change executors: 900 of 1,960 instructions less.
            @inlinable
            public mutating nonisolated(nonsending) func next(
                isolation actor: (any Actor)?
            ) async throws -> PipeMessage? {
                if let message = takeAtOnce() { return message }
                return try await wait()
            }

            @usableFromInline
            mutating func takeAtOnce() -> PipeMessage? { connection.takeAtOnce() }

            @usableFromInline
            mutating nonisolated(nonsending) func wait() async throws -> PipeMessage? {
                try await connection.waitForMessage()
            }
        }
    }
}
