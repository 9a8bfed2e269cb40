// SPDX-License-Identifier: Apache-2.0
import Dispatch
import NamedPipes
import NamedPipesProgram

// Sends a numbered beat to all connected clients, at a steady rate that comes from a thread other than the reactor's. A
// client that does not keep up misses beats, and the program counts them.
//
//     Metronome [ADDRESS [BEATS_PER_SECOND]]

PipeProgram.run { program in
    let arguments = try program.arguments(usage: "Metronome [ADDRESS [BEATS_PER_SECOND]]", atMost: 2)
    let address = try arguments.address(default: "metronome")
    let rate = Double(arguments.values.dropFirst().first ?? "2") ?? 0
    guard rate > 0, rate <= 1_000_000 else { throw arguments.misuse }
    let reactor = try Reactor()
    let audience = Audience()
    var configuration = PipeServer.Configuration()
    // A late beat is worthless, so only few may wait.
    configuration.connection.sendQueueLimit = 4096
    let server = try PipeServer(
        listeningOn: address, configuration: configuration, reactor: reactor, delegate: Conductor(audience))

    let pendulum = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "pendulum"))
    pendulum.schedule(deadline: .now(), repeating: 1 / rate)
    // @Sendable: otherwise, closures of top-level code belong to the main actor.
    pendulum.setEventHandler { @Sendable in audience.beat() }
    pendulum.activate()
    defer { pendulum.cancel() }

    try program.run(reactor, announcing: server)
}
