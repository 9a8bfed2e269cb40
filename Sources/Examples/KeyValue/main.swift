// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesProgram

// Keeps values by key, and speaks Redis' protocol (RESP2 and RESP3), so that redis-cli, redis-benchmark and clients
// such as redis-py can talk to it.
//
//     KeyValue [ADDRESS]
//
//     redis-cli -s ADDRESS set greeting hello

PipeProgram.run { program in
    let address = try program.arguments(usage: "KeyValue [ADDRESS]").address(default: "key-value")
    let reactor = try Reactor()
    var configuration = PipeServer.Configuration()
    configuration.connection.framing = RequestFraming()
    // A client that pipelines without reading has to wait, and behind its replies there must be room for the longest
    // one.
    configuration.connection.sendQueueLimit = 256 << 20
    let delegate = DatabaseServer()
    let server = try PipeServer(
        listeningOn: address, configuration: configuration, reactor: reactor, delegate: delegate)
    delegate.removeExpired(every: .milliseconds(100), on: reactor)
    try program.run(reactor, announcing: server)
}
