// SPDX-License-Identifier: Apache-2.0
import Dispatch
import ExampleSupport
import NamedPipes

// Sends a numbered beat to all connected clients, at a steady rate that comes from a thread other than the reactor's. A
// client that does not keep up misses beats, and the program counts them.
//
//     Metronome [ADDRESS [BEATS_PER_SECOND]]

let arguments = ProgramArguments(usage: "Metronome [ADDRESS [BEATS_PER_SECOND]]", atMost: 2)
do {
    let reactor = try Reactor()
    let address = try arguments.address(default: "metronome")
    let rate = Double(arguments.values.dropFirst().first ?? "2") ?? 0
    guard rate > 0, rate <= 1_000_000 else { arguments.failWithUsage() }
    let audience = Audience()
    var configuration = PipeServer.Configuration()
    // A late beat is worthless, so only few may wait.
    configuration.connection.sendQueueLimit = 4096
    let server = try PipeServer(
        listeningOn: address, configuration: configuration, reactor: reactor, delegate: Conductor(audience))
    stopOnSignals(reactor.executor)
    announce(server)

    let pendulum = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "pendulum"))
    pendulum.schedule(deadline: .now(), repeating: 1 / rate)
    // @Sendable: otherwise, closures of top-level code belong to the main actor.
    pendulum.setEventHandler { @Sendable in audience.beat() }
    pendulum.activate()

    reactor.run()
    pendulum.cancel()
} catch {
    fail(error)
}
