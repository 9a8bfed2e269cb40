// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes

// hostile-target PATH [SETTING=VALUE ...]: the server that the hostile suite attacks. Settings.swift lists the
// settings, Control.swift the requests that it answers meanwhile.

do {
    let settings = try Settings(CommandLine.arguments.dropFirst())
    // As for a daemon with a careless parent: the modes of names must not depend on it.
    umask(0)
    if settings.waits {
        say("loaded")
        _ = readLine()
    }
    for _ in 0..<settings.rehearsals { try rehearse(settings) }
    try serve(settings)
} catch {
    say("failed: \(error)")
    exit(2)
}

func say(_ line: String) {
    print(line)
    _ = fflush(nil)
}

/// Takes the name and gives it up again, which is when others could get in.
func rehearse(_ settings: Settings) throws {
    let reactor = try Reactor()
    let server = try PipeServer(
        listeningOn: settings.address, configuration: settings.configuration, reactor: reactor,
        delegate: Target(settings.mode, Tally(), stopping: reactor))
    server.stop()
    reactor.run { server.isStopped }
    reactor.stop()
    reactor.run()
}

func serve(_ settings: Settings) throws {
    let reactor = try Reactor()
    let tally = Tally()
    let attacked = try Attacked(settings, tally, reactor)
    let control = try Control(of: attacked, tally, settings, reactor)
    if settings.hasNeighbours {
        try Neighbours.serve(beside: settings.address, settings, on: reactor.executor)
    }
    say("ready")
    withExtendedLifetime(control) { reactor.run() }
    if case .pool(let pool) = attacked { pool.join() }
    say("stopped")
}
