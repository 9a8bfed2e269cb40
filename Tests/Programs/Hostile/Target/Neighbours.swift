// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC

/// More names on the target's loop, for the soak: `PATH.async` sends every message back from an async handler,
/// `PATH.batches` does so by batches, and `PATH.rpc` answers JSON-RPC 2.0. All end with the target's reactor.
enum Neighbours {
    static func serve(beside address: PipeAddress, _ settings: Settings, on executor: ReactorExecutor) throws {
        guard let path = address.path else { return }
        let configuration = settings.configuration
        let names = (
            async: try PipeAddress.path(path + ".async"), batches: try PipeAddress.path(path + ".batches"),
            rpc: try PipeAddress.path(path + ".rpc")
        )
        let delay = settings.asyncDelay
        Task.detached(executorPreference: executor) {
            let clock = executor.clock
            try await PipeServer.serve(at: names.async, configuration: configuration, on: executor) { connection in
                for try await message in connection.messages {
                    if let delay { try await clock.sleep(until: clock.now + delay) }  // what is tested
                    try await connection.send(message)
                }
            }
        }
        Task.detached(executorPreference: executor) {
            let clock = executor.clock
            try await PipeServer.serve(at: names.batches, configuration: configuration, on: executor) { connection in
                while try await connection.nextBatch({ try connection.trySend($0) }) {
                    if let delay { try await clock.sleep(until: clock.now + delay) }  // what is tested
                }
            }
        }
        Task.detached(executorPreference: executor) {
            let methods = makeMethods(executor)
            try await PipeServer.serve(at: names.rpc, configuration: configuration, on: executor) { connection in
                try await JSONRPCPeer.serve(connection, methods: methods)
            }
        }
    }

    private static func makeMethods(_ executor: ReactorExecutor) -> JSONRPCMethods {
        var methods = JSONRPCMethods()
        methods.handle("echo") { (texts: [String], _) in texts }
        methods.handle("slow") { (milliseconds: [Int], _) in
            let clock = executor.clock
            try await clock.sleep(until: clock.now + .milliseconds(milliseconds.first ?? 0))  // what is tested
            return milliseconds
        }
        // Asks the caller back, which may never answer.
        methods.handle("back") { (texts: [String], call) -> [String] in
            try await call.peer.request("back", texts, timeout: .seconds(1))
        }
        methods.handle("note") { (_: [String], _) in }
        return methods
    }
}
