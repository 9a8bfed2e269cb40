// SPDX-License-Identifier: Apache-2.0
public import PipeReactor

extension PipeClient {
    /// Makes a client that starts a program and speaks to it. Nothing happens until ``connect()``.
    ///
    /// ```swift
    /// var configuration = PipeClient.Configuration()
    /// configuration.reconnection = PipeClient.Reconnection()        // starts it again, with growing delays
    /// let worker = PipeClient(
    ///     spawning: ["worker", "--verbose"], configuration: configuration, reactor: reactor, delegate: delegate)
    /// worker.connect()
    /// ```
    ///
    /// The program (posix_spawn(3)) leads a process group of its own, has every signal at its default and none blocked,
    /// and inherits no descriptor besides those that ``PipeCommand/Channel`` names. When it has ended, what it sent is
    /// delivered, and the connection ends with ``DisconnectReason/programEnded(_:)``, which has the exit status.
    ///
    /// When the connection ends first, because of ``disconnect()`` or anything else, its descriptors are closed, and
    /// the program can read that. One that goes on for longer than ``PipeCommand/gracePeriod`` receives SIGTERM, and
    /// after ``PipeCommand/terminationPeriod`` SIGKILL, and so does its process group. `didCloseWith` comes once the
    /// program has ended and was collected (`waitpid(2)`): no zombie remains, and ``Configuration/reconnection`` never
    /// starts a second program beside the first. If the reactor stops, a thread does the same.
    ///
    /// The ``PipeConnection/peer`` is the user and group of this process, and the process ID of the program.
    /// ``Configuration/requiredPeer`` and the settings for a name are ignored. The client's ``address`` is the
    /// program's name, for logs.
    ///
    /// - Parameters:
    ///   - command: the program.
    ///   - configuration: the default is a 4-byte length framing and no reconnection.
    ///   - reactor: the loop that it runs on.
    ///   - delegate: receives all callbacks; retained until the client is disconnected.
    public convenience init(
        spawning command: PipeCommand, configuration: Configuration = Configuration(), reactor: Reactor,
        delegate: any PipeClientDelegate
    ) {
        self.init(.shown(command.arguments[0]), command, configuration, reactor, delegate)
    }

    /// The process ID of the program that was started, until its end is reported; nil for a client of a name.
    public var programID: Int32? { connection?.rareIfAny?.child?.processID }

    /// Starts a program, and stays connected to it while a function runs; see
    /// ``withConnection(to:configuration:on:_:)``. When this call returns, the program has ended.
    ///
    /// - Parameters:
    ///   - command: the program.
    ///   - configuration: the default is a 4-byte length framing.
    ///   - executor: the executor of the reactor to use. The default is nil: a thread is made for the call and ends
    ///     with it.
    ///   - body: the function that uses the connection.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws; ``PipeError/messagesUnsent(count:_:)``, ``PipeError/cannotStart(program:_:)``;
    ///   `CancellationError`.
    public static func withConnection<Result: Sendable>(
        spawning command: PipeCommand, configuration: Configuration = Configuration(),
        on executor: ReactorExecutor? = nil,
        _ body: nonisolated(nonsending) @Sendable (AsyncPipeConnection) async throws -> Result
    ) async throws -> Result {
        try await withConnection(configuration, on: executor, body) { configuration, reactor, delegate in
            PipeClient(spawning: command, configuration: configuration, reactor: reactor, delegate: delegate)
        }
    }

    /// One attempt: the program starts, or it does not.
    func start(_ command: PipeCommand) {
        triggers.cancelAll()
        do {
            try didConnect(endpoint.spawn(command))
        } catch {
            attemptDidFail(.cannotStart(program: command.arguments[0], error))
        }
    }
}
