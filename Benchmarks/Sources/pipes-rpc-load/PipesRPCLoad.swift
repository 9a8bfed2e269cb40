// SPDX-License-Identifier: Apache-2.0
import EchoOptions
import NamedPipes
import NamedPipesRPC
import RPCLoad

/// The load of JSON-RPC servers by lines: this library's client, on a reactor of the main thread.
///
/// Usage: `pipes-rpc-load --path SOCKET [--connections N] [--in-flight K] [--size BYTES] [--seconds S] [--warm-up S]
///     [--server-pid PID]`
@main
enum PipesRPCLoad {
    static func main() throws {
        let options = LoadOptions()
        raiseDescriptorLimit()
        let reactor = try Reactor()
        let executor = reactor.executor
        let address = try PipeAddress.path(options.path)
        var configuration = PipeClient.Configuration(framing: DelimiterFraming.newline)
        configuration.connectTimeout = .seconds(60)
        let load = CallLoad(options)
        // The main actor would wait for the main thread, which runs the reactor.
        Task.detached { [configuration] in
            try await load.run(on: executor) { number in
                try await PipeClient.withConnection(to: address, configuration: configuration, on: executor) {
                    try await JSONRPCPeer.run(on: $0) { peer in
                        await load.keepCalling(on: number) { text in try await peer.request("echo", [text]) }
                    }
                }
            }
        }
        reactor.run()
    }
}
