// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import NamedPipesNATS

/// The delegate of `pipes-echo` behind a broker: `nats-echo nats://HOST:PORT/NAME`. It prints a line when clients find
/// it.
@main
enum NATSEcho {
    final class Echo: PipeServerDelegate {
        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
            _ = try? connection.send(message)
        }
    }

    static func main() throws {
        let address = try NATSAddress(parsing: CommandLine.arguments[1])
        let reactor = try Reactor()
        let link = try NATSLink(servers: [address.server], reactor: reactor)
        let server = PipeServer(listeningOn: try link.name(address.name), admitting: .everyone, delegate: Echo())
        link.whenReadByBroker {
            print("ready")
            _ = fflush(nil)
        }
        reactor.run()
        withExtendedLifetime(server) {}
    }
}
