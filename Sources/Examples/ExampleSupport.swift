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
///
/// The library itself touches no signals; what they mean is decided here, in the program.
public func stopOnSignals(_ executor: ReactorExecutor) {
    for number in [SIGINT, SIGTERM] {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number)
        source.setEventHandler {
            try? ServiceNotifier.current?.notify(.stopping)
            executor.stop()
            // Whoever cannot wait for that may send the signal again.
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
