// SPDX-License-Identifier: Apache-2.0
import EchoOptions
import GRPCCore
import GRPCNIOTransportHTTP2Posix

/// grpc-swift 2 as its example `echo` shows it, over a Unix socket: its defaults, an event loop of SwiftNIO for every
/// CPU of the machine, and Swift's pool of threads.
@main
enum GRPCEcho {
    struct EchoService: RegistrableRPCService {
        func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
            router.registerHandler(
                forMethod: EchoMethod.descriptor, deserializer: TextDeserializer(), serializer: TextSerializer()
            ) { request, _ in
                let request = try await ServerRequest(stream: request)
                return StreamingServerResponse(single: ServerResponse(message: request.message))
            }
        }
    }

    static func main() async throws {
        let options = EchoOptions(supporting: [.flushCoalescing])
        raiseDescriptorLimit()
        var config = HTTP2ServerTransport.Posix.Config.defaults
        if options[.flushCoalescing] == 0 { config.connection.flushCoalescing = nil }
        let server = GRPCServer(
            transport: .http2NIOPosix(
                address: .unixDomainSocket(path: options.socket), transportSecurity: .plaintext, config: config),
            services: [EchoService()])
        try await server.serve()
    }
}
