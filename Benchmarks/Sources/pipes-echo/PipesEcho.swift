// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// The echo server that `compare` sets against hand-written C: this library as its documentation has it.
///
/// Usage: `pipes-echo SOCKET`
@main
enum PipesEcho {
    final class Echo: PipeServerDelegate {
        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
            _ = try? connection.send(message)
        }
    }

    static func main() throws {
        guard CommandLine.arguments.count == 2 else { fatalError("usage: pipes-echo SOCKET") }
        let reactor = try Reactor()
        _ = try PipeServer(listeningOn: .path(CommandLine.arguments[1]), reactor: reactor, delegate: Echo())
        reactor.run()
    }
}
