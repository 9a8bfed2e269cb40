// SPDX-License-Identifier: Apache-2.0
internal import CProgram
internal import Glibc

/// A program from its first statement to its exit status.
///
/// ```swift
/// import NamedPipes
/// import NamedPipesProgram
///
/// PipeProgram.run { program in
///     let reactor = try Reactor()
///     let server = try PipeServer(
///         listeningOn: .runtime("echo"), reactor: reactor, delegate: Echo())
///     try program.run(reactor, announcing: server)
/// }
/// ```
///
/// An error that leaves the top level of a Swift program ends it with a trap and a backtrace. Here, it becomes one line
/// on standard error and an exit status:
///
/// | Status | Reason |
/// |---|---|
/// | 0 | the function has returned, after a signal or without one; or it has thrown `CancellationError` after a signal |
/// | 1 | it has thrown another error, or what it printed could not be written |
/// | 2 | the command line or an address in it is wrong |
/// | 3 | a time limit has passed |
/// | its own | it has thrown a ``ProgramFailure`` |
///
/// SIGINT, SIGTERM and SIGHUP stop the program, except for those that its parent process wanted it to ignore
/// (nohup(1)). The first one stops the parts of the program that can end in order: a reactor in
/// ``run(_:announcing:alsoStopping:gracePeriod:whenStopped:)``, an `async` server in
/// ``serve(at:configuration:on:gracePeriod:onEvent:handler:)``, an operation in ``withStopHandler(_:onStop:)``. If
/// there is none, it cancels the task of an `async` function, and ends a program whose function is not `async`, as it
/// would by default. The second signal ends the program in any case: its parent sees which signal ended it. Signals
/// within half a second of the first one belong to it, because timeout(1), for one, sends two.
///
/// The program's inheritance is examined first. Descriptors 0 to 2 that are closed are opened on /dev/null, so that no
/// socket gets their numbers; signals that the parent blocked are unblocked; SIGCHLD has its default again; SIGPIPE and
/// SIGXFSZ are ignored, so that a write fails instead. Standard output is written line by line, even into a file or a
/// pipe, where the C library would keep lines back until the program ends.
///
/// Call one of the two `run` functions first of all, once: from top-level code, or from a `main` that is `@MainActor`,
/// so that no signal comes before it. Do not handle these signals elsewhere at the same time: code that takes one of
/// them over later gets it instead, and a second signal changes nothing then.
public struct PipeProgram: Sendable {
    let stopRequest = StopRequest()

    private init() {}

    /// Runs a program whose work is done on this thread, such as that of a reactor. Ends the process.
    ///
    /// - Parameter body: the program, called once, on this thread.
    public static func run(_ body: (PipeProgram) throws -> Void) -> Never {
        let program = begin()
        program.stopRequest.setDefault(.die)
        program.end(with: Result { try body(program) })
    }

    /// Runs a program with an `async` function. Ends the process.
    ///
    /// ```swift
    /// await PipeProgram.run { program in
    ///     try await program.serve(at: .runtime("echo")) { connection in
    ///         for try await message in connection.messages {
    ///             try await connection.send(message)
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// - Parameter body: the program, called once, on the global executor. The first signal cancels its task, as soon
    ///   as the servers that serve in it have stopped in order.
    public nonisolated(nonsending) static func run(
        _ body: @escaping @Sendable (PipeProgram) async throws -> Void
    ) async -> Never {
        // Still on the main thread, if called there: otherwise Dispatch would unblock the signals in it first.
        let program = begin()
        let task = Task { try await body(program) }
        program.stopRequest.setDefault(.cancel { task.cancel() })
        program.end(with: await task.result)
    }

    /// Whether one of the signals has come that stop the program.
    public var isStopping: Bool { stopRequest.isMade }

    /// Deals with what the process has inherited, and waits for signals from now on.
    private static func begin() -> PipeProgram {
        let program = PipeProgram()
        let stopRequest = program.stopRequest
        do {
            try Inheritance.takeOver()
            program_write_lines_at_once()
            try StopSignals.wait { number, count in
                guard count == 1 else { StopSignals.die(by: number) }
                stopRequest.make(by: number)
            }
        } catch {
            fail(error)
        }
        return program
    }

    private func end(with outcome: Result<Void, any Error>) -> Never {
        do {
            try outcome.get()
        } catch is CancellationError where isStopping || StopSignals.areTakenByOthers {
            // The function has ended because of a signal, as far as that can be known.
        } catch {
            Self.fail(error)
        }
        guard program_output_is_complete() != 0 else {
            Self.fail(ProgramFailure("standard output cannot be written"))
        }
        exit(0)
    }
}
