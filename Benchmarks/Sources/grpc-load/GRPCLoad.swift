// SPDX-License-Identifier: Apache-2.0
import EchoOptions
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import RPCLoad

/// The load of `grpc-echo`: a client of grpc-swift 2 for each connection, with its defaults.
///
/// Usage: `grpc-load --path SOCKET [OPTIONS OF pipes-rpc-load] [--flush-coalescing 0|1]`
@main
enum GRPCLoad {
    private static let flushCoalescing = "--flush-coalescing"

    static func main() async throws {
        let options = LoadOptions(supporting: [flushCoalescing])
        raiseDescriptorLimit()
        let load = CallLoad(options)
        try await load.run { number in
            try await withGRPCClient(
                transport: .http2NIOPosix(
                    target: .unixDomainSocket(path: options.path), transportSecurity: .plaintext,
                    config: config(options))
            ) { client in
                await load.keepCalling(on: number) { text in
                    try await client.unary(
                        request: ClientRequest(message: text), descriptor: EchoMethod.descriptor,
                        serializer: TextSerializer(), deserializer: TextDeserializer(), options: .defaults
                    ) { response in
                        try response.message
                    }
                }
            }
        }
    }

    private static func config(_ options: LoadOptions) -> HTTP2ClientTransport.Posix.Config {
        .defaults { config in
            if options[flushCoalescing] == 0 { config.connection.flushCoalescing = nil }
        }
    }
}
