// SPDX-License-Identifier: Apache-2.0
import EchoOptions
import NamedPipes
import NamedPipesRPC

/// A JSON-RPC server as the documentation shows it, by lines, on a reactor of the main thread: its method `echo`
/// returns its only parameter, a text.
@main
enum PipesRPCEcho {
    static func main() throws {
        let options = EchoOptions()
        raiseDescriptorLimit()
        let reactor = try Reactor()
        let executor = reactor.executor
        var methods = JSONRPCMethods()
        methods.handle("echo") { (texts: [String], _) in texts[0] }
        let configuration = PipeServer.Configuration(framing: DelimiterFraming.newline)
        startServing(on: executor) { [methods] in
            try await PipeServer.serve(at: .path(options.socket), configuration: configuration, on: executor) {
                try await JSONRPCPeer.serve($0, methods: methods)
            }
        }
        reactor.run()
    }
}
