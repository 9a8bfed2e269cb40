// SPDX-License-Identifier: Apache-2.0
import EchoOptions
import Glibc
import NamedPipes

/// The closed loop of `c-load` with this library's client: the cost of the library on the client's side.
///
/// Usage: `pipes-load --path SOCKET [--connections N] [--in-flight K] [--size BYTES] [--seconds S] [--warm-up S]
///     [--poll MICROSECONDS] [--server-pid PID]`
@main
enum PipesLoad {
    static func main() throws {
        let options = Options(CommandLine.arguments.dropFirst())
        raiseDescriptorLimit()
        var reactorConfiguration = Reactor.Configuration()
        reactorConfiguration.busyPollingTime = options.busyPollingTime
        let reactor = try Reactor(configuration: reactorConfiguration)
        let measurement = Measurement()
        let callers = (0..<options.connections).map { Caller(index: $0, options: options, measurement: measurement) }
        var configuration = PipeClient.Configuration()
        configuration.connectTimeout = .seconds(60)
        let address = try PipeAddress.path(options.path)
        for caller in callers {
            PipeClient(address: address, configuration: configuration, reactor: reactor, delegate: caller).connect()
        }
        measure(callers, measurement, options, on: reactor)
        exit(0)
    }
}
