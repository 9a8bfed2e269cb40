// SPDX-License-Identifier: Apache-2.0
import ExampleSupport
import NamedPipes

// Sends every message back to its sender.
//
//     EchoServer [ADDRESS]

final class Echo: PipeServerDelegate {
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        _ = try? connection.send(message)
    }
}

let arguments = ProgramArguments(usage: "EchoServer [ADDRESS]")
do {
    let reactor = try Reactor()
    let address = try arguments.address(default: "echo")
    let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: Echo())
    stopOnSignals(reactor.executor)
    announce(server)
    reactor.run()
} catch {
    fail(error)
}
