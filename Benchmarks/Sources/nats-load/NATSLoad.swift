// SPDX-License-Identifier: Apache-2.0
import EchoOptions
import Glibc
import NamedPipes
import NamedPipesNATS

/// The load of `pipes-load`, whose clients open sessions behind a broker. It ends when its input does, so that its
/// memory can be looked at before.
///
/// Usage: `nats-load --path nats://HOST:PORT/NAME [OPTIONS OF pipes-load]`
@main
enum NATSLoad {
    static func main() throws {
        let options = Options(CommandLine.arguments.dropFirst())
        let reactor = try Reactor()
        let measurement = Measurement()
        let callers = (0..<options.connections).map { Caller(index: $0, options: options, measurement: measurement) }
        let address = try NATSAddress(parsing: options.path)
        let link = try NATSLink(servers: [address.server], reactor: reactor)
        let name = try link.name(address.name)
        var configuration = PipeClient.Configuration()
        configuration.connectTimeout = .seconds(60)
        configuration.waitsForServer = true
        for caller in callers {
            PipeClient(connectingTo: name, configuration: configuration, delegate: caller).connect()
        }
        measure(callers, measurement, options, on: reactor)
        _ = fflush(nil)
        // The sessions stay while others look.
        var byte: UInt8 = 0
        while unsafe read(STDIN_FILENO, &byte, 1) > 0 {}
        exit(0)
    }
}
