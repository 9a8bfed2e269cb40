// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesProgram

// Sends every message back to its sender.
//
//     EchoServer [ADDRESS]

final class Echo: PipeServerDelegate {
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        _ = try? connection.send(message)
    }
}

PipeProgram.run { program in
    let address = try program.arguments(usage: "EchoServer [ADDRESS]").address(default: "echo")
    let reactor = try Reactor()
    let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: Echo())
    try program.run(reactor, announcing: server)
}
