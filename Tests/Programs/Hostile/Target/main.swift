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
        delegate: Target(reactor, settings.mode))
    server.stop()
    reactor.run { server.isStopped }
    reactor.stop()
    reactor.run()
}

func serve(_ settings: Settings) throws {
    let reactor = try Reactor()
    let target = Target(reactor, settings.mode)
    let server = try makeServer(settings, reactor, target)
    let control = try Control(of: server, target, settings, reactor)
    if settings.hasNeighbours {
        try Neighbours.serve(beside: settings.address, settings, on: reactor.executor)
    }
    say("ready")
    withExtendedLifetime(control) { reactor.run() }
    say("stopped")
}

func makeServer(_ settings: Settings, _ reactor: Reactor, _ target: Target) throws -> PipeServer {
    guard settings.inherits else {
        return try PipeServer(
            listeningOn: settings.address, configuration: settings.configuration, reactor: reactor, delegate: target)
    }
    guard let listener = try InheritedListener.first() else { throw Settings.Unknown(setting: "no inherited socket") }
    return try PipeServer(
        inheriting: listener, configuration: settings.configuration, reactor: reactor, delegate: target)
}
