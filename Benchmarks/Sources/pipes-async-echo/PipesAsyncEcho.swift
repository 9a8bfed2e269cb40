// SPDX-License-Identifier: Apache-2.0
import EchoOptions
import NamedPipes

/// The async echo server that is compared with the others: this library as its documentation shows it, on a reactor of
/// the main thread. With `--batches 1`, the same by batches.
@main
enum PipesAsyncEcho {
    static func main() throws {
        let options = EchoOptions(supporting: [.batches])
        raiseDescriptorLimit()
        let reactor = try Reactor()
        let executor = reactor.executor
        startServing(on: executor) {
            if options[.batches] == 1 {
                try await PipeServer.serve(at: .path(options.socket), on: executor) { connection in
                    while try await connection.nextBatch({ message in try connection.trySend(message) }) {}
                }
            } else {
                try await PipeServer.serve(at: .path(options.socket), on: executor) { connection in
                    for try await message in connection.messages { try await connection.send(message) }
                }
            }
        }
        reactor.run()
    }
}
