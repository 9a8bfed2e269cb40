// SPDX-License-Identifier: Apache-2.0
import EchoOptions
import NamedPipes

/// The echo server that is compared with the others: this library as its documentation shows it.
@main
enum PipesEcho {
    final class Echo: PipeServerDelegate {
        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
            _ = try? connection.send(message)
        }
    }

    static func main() throws {
        let options = EchoOptions(supporting: [.poll, .sendBuffer])
        raiseDescriptorLimit()
        var reactorConfiguration = Reactor.Configuration()
        reactorConfiguration.busyPollingTime = .microseconds(options[.poll] ?? 0)
        var configuration = PipeServer.Configuration()
        configuration.connection.sendBufferByteCount = options[.sendBuffer]
        let reactor = try Reactor(configuration: reactorConfiguration)
        _ = try PipeServer(
            listeningOn: .path(options.socket), configuration: configuration, reactor: reactor, delegate: Echo())
        reactor.run()
    }
}
