// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Glibc
public import NamedPipes

// The common part of all examples: announcing that they are ready, and ending.

/// Reports that clients can connect now. The parent process may be waiting for the line; a service manager waits for
/// its own message.
public func announce(_ server: PipeServer) {
    report("listening on \(server.address)")
    try? ServiceNotifier.current?.notify(.ready, .status("listening on \(server.address)"))
}

/// Ends the reactor's `run()` on SIGINT and SIGTERM: servers give up their names, connections are closed, and the
/// program returns from `main` instead of being killed.
public func stopOnSignals(_ executor: ReactorExecutor) {
    onStopSignal { executor.stop() }
}

/// Serves with `async` handlers until SIGINT or SIGTERM comes. Then no more clients are accepted, and handlers have a
/// moment to process what has arrived.
public func serveUntilSignal(
    at address: PipeAddress, configuration: PipeServer.Configuration, on executor: ReactorExecutor? = nil,
    handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
) async throws {
    let (stops, stop) = AsyncStream.makeStream(of: Void.self)
    onStopSignal { stop.yield() }
    let (servers, listening) = AsyncStream.makeStream(of: ReactorReference<PipeServer>.self)
    let stopping = Task {
        for await _ in stops {
            for await server in servers { server.perform { $0.stop(gracePeriod: .seconds(2)) } }
        }
    }
    defer { stopping.cancel() }
    try await PipeServer.serve(
        at: address, configuration: configuration, on: executor,
        onEvent: { running, event in
            switch event {
            case .listening:
                listening.yield(running.reference)
                announce(running)
            case .handlerFailed(let id, let peer, let error):
                report("connection \(id) (\(peer)): \(error)")
            default:
                break
            }
        }, handler: handler)
}

/// Connects, and runs a function until it returns or SIGINT or SIGTERM comes.
public func connectUntilSignal(
    to address: PipeAddress, configuration: PipeClient.Configuration,
    _ body: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
) async throws {
    let talk = Task { try await PipeClient.withConnection(to: address, configuration: configuration, body) }
    onStopSignal { talk.cancel() }
    try await talk.value
}

/// Speaks over standard input and output, and runs a function until it returns or SIGINT or SIGTERM comes.
public func speakUntilSignal(
    _ configuration: PipeConnection.Configuration,
    _ body: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
) async throws {
    let talk = Task { try await AsyncPipeConnection.withStandardStreams(configuration, body) }
    onStopSignal { talk.cancel() }
    try await talk.value
}

/// Calls a function on SIGINT and SIGTERM, once: an impatient user may send the signal again, which ends the program.
///
/// The library itself leaves signals alone; the program decides here what they mean. They are blocked from the
/// program's beginning, in all of its threads, so that a signal that comes before this call waits instead of being
/// lost. Dispatch takes them, because it unblocks them in the main thread of a program whose `main` is `async`. A
/// source is registered on another thread, and until then a signal would end the program by default. So this waits for
/// the registration.
private func onStopSignal(_ stop: @escaping @Sendable () -> Void) {
    for number in stopSignals {
        let source = DispatchSource.makeSignalSource(signal: number)
        source.setEventHandler {
            try? ServiceNotifier.current?.notify(.stopping)
            stop()
            source.cancel()
            // On this thread, which any further signal then ends, and with it the program.
            maskStopSignals(SIG_UNBLOCK)
        }
        let registered = DispatchSemaphore(value: 0)
        source.setRegistrationHandler { registered.signal() }
        source.activate()
        registered.wait()
    }
}

private let stopSignals = [SIGINT, SIGTERM]

func maskStopSignals(_ change: Int32) {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    for number in stopSignals { unsafe sigaddset(&signals, number) }
    unsafe pthread_sigmask(change, &signals, nil)
}
