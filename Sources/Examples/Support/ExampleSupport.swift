// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Foundation
public import NamedPipes

// What every example says the same way: where it listens, that it is ready, and how it ends.

/// The first argument as an address, in the forms of `PipeAddress(parsing:)`, or a name in the runtime directory.
public func addressFromArguments(default name: String) throws(PipeError) -> PipeAddress {
    try PipeAddress(parsing: CommandLine.arguments.dropFirst().first ?? name)
}

/// Says that clients can connect now. Whoever started this program may be waiting for the line; a service manager waits
/// for its own message.
public func announce(_ server: PipeServer) {
    report("listening on \(server.address)")
    try? ServiceNotifier.current?.notify(.ready, .status("listening on \(server.address)"))
}

/// Prints a line at once, also into a pipe.
public func report(_ line: String) {
    FileHandle.standardOutput.write(Data("\(line)\n".utf8))
}

/// Ends the reactor's `run()` on SIGINT and SIGTERM: servers give up their names, connections are closed, and the
/// program returns from `main` instead of being killed.
public func stopOnSignals(_ executor: ReactorExecutor) {
    onStopSignal { executor.stop() }
}

/// Serves with `async` handlers until SIGINT or SIGTERM comes. Then nobody new is accepted, and handlers have a moment to
/// finish with what has arrived.
public func serveUntilSignal(
    at address: PipeAddress, configuration: PipeServer.Configuration, on executor: ReactorExecutor? = nil,
    handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
) async throws {
    let (stops, stop) = AsyncStream.makeStream(of: Void.self)
    onStopSignal { stop.yield() }
    let (servers, listening) = AsyncStream.makeStream(of: ReactorReference<PipeServer>.self)
    let stopping = Task {
        for await _ in stops {
            for await server in servers { server.perform { $0.stop(drainingFor: .seconds(2)) } }
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

/// Calls a function on SIGINT and SIGTERM, once: whoever cannot wait for its effect may send the signal again.
///
/// The library itself touches no signals; what they mean is decided here, in the program.
private func onStopSignal(_ stop: @escaping @Sendable () -> Void) {
    for number in [SIGINT, SIGTERM] {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number)
        source.setEventHandler {
            try? ServiceNotifier.current?.notify(.stopping)
            stop()
            source.cancel()
            signal(number, SIG_DFL)
        }
        // From here to the registration, which Dispatch does on a thread of its own, the signal would be ignored.
        let isRegistered = DispatchSemaphore(value: 0)
        source.setRegistrationHandler { isRegistered.signal() }
        source.activate()
        isRegistered.wait()
    }
}

/// Ends the program because it cannot do its work.
public func fail(_ error: any Error) -> Never {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
