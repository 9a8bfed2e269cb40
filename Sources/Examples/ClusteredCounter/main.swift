// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesProgram

#if NATS
import NamedPipesNATS
#endif

// Serves a local name and, with the same delegate, a name at a NATS broker, together with all other processes of this
// program on all machines.
//
//     ClusteredCounter ADDRESS NATS-ADDRESS [NAME]
//     ClusteredCounter counter nats://127.0.0.1/counter desk-1

PipeProgram.run { program in
    #if NATS
    let arguments = try program.arguments(usage: "ClusteredCounter ADDRESS NATS-ADDRESS [NAME]", atMost: 3)
    guard arguments.values.count >= 2 else { throw arguments.misuse }
    let reactor = try Reactor()
    let counter = Counter(name: arguments.values.count > 2 ? arguments.values[2] : "counter")
    var configuration = PipeServer.Configuration()
    configuration.connection.slowReaderPolicy = .disconnect
    let near = try PipeServer(
        listeningOn: try arguments.address(default: "counter"), configuration: configuration, reactor: reactor,
        delegate: counter)

    let address = try NATSAddress(parsing: arguments.values[1])
    let link = try NATSLink(servers: [address.server], reactor: reactor)
    link.onEvent = { PipeProgram.report("\($0)") }
    // Everyone whom the broker lets publish to the name's subject.
    let far = PipeServer(
        listeningOn: try link.name(address.name), admitting: .everyone, configuration: configuration, delegate: counter)

    // Far sessions have their grace period as well, and the link ends when the broker has read their last messages.
    try program.run(
        reactor, announcing: near, alsoStopping: [far],
        whenStopped: {
            link.close()
            reactor.run { link.isClosed }
        })
    #else
    throw ProgramFailure("built without the trait NATS, which needs libnats (Debian: libnats-dev)")
    #endif
}
