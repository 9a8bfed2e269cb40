// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import Synchronization
import Testing

/// Our JSON-RPC against other implementations, at either end.
@Suite(.serialized) struct `JSON-RPC` {
    struct Pair: Codable {
        var left: Int
        var right: Int
    }

    struct Failure: Error {}

    // MARK: Their clients, our server

    @Test(.requiresModule("pylsp_jsonrpc"))
    func `serves python-lsp-jsonrpc, behind Content-Length`() async throws {
        try await serve("lsp_peer.py", ContentLengthFraming(), report: "ok 208 requests")
    }

    @Test(.requires("python3"))
    func `serves the specification's examples, by lines`() async throws {
        try await serve("lines_peer.py", DelimiterFraming.newline, report: "ok 10 requests")
    }

    @Test(.requires("node"))
    func `serves Node, behind Content-Length in pieces`() async throws {
        try await serve("node_rpc_peer.mjs", ContentLengthFraming(), report: "ok 209 requests")
    }

    // MARK: Their servers, our client

    @Test(.requiresModule("pylsp_jsonrpc"))
    func `calls python-lsp-jsonrpc, behind Content-Length`() async throws {
        try await ask("lsp_peer.py", ContentLengthFraming(), Self.doubling, report: "ok 1 requests") { peer in
            try await expectArithmetic(peer)
            try await expectConversation(peer)
        }
    }

    @Test(.requires("node"))
    func `calls Node, behind Content-Length, and sends metadata along`() async throws {
        var configuration = JSONRPCPeer.Configuration()
        configuration.interceptor = Tracer()
        try await ask(
            "node_rpc_peer.mjs", ContentLengthFraming(), Self.doubling, configuration, report: "ok 1 requests"
        ) { peer in
            try await expectArithmetic(peer)
            try await expectConversation(peer)
            let metadata: [String: String] = try await peer.request("metadata", timeout: .seconds(30))
            #expect(metadata == Tracer.metadata)
        }
    }

    @Test(.requires("python3"))
    func `calls by lines, and in batches that are answered backwards`() async throws {
        try await ask("lines_peer.py", DelimiterFraming.newline, JSONRPCMethods(), report: "ok 203 requests") { peer in
            try await expectArithmetic(peer)
            var batch = JSONRPCBatch()
            let sum = try batch.request("add", Pair(left: 1, right: 2), returning: Int.self)
            try batch.notify("note", ["é"])
            let failed = try batch.request("divide", Pair(left: 5, right: 0), returning: Int.self)
            let replies = try await peer.send(batch, timeout: .seconds(30))
            #expect(try replies.value(of: sum) == 3)
            #expect(throws: JSONRPCError(.init(rawValue: 7), "division by zero", data: try JSONText("[5]"))) {
                try replies.value(of: failed)
            }
        }
    }

    @Test(.requiresIndexPackages, arguments: ["jsonrpcserver_peer.py", "jsonrpc_peer.py"])
    func `calls servers that refuse unknown members, and sends metadata within the parameters`(
        script: String
    ) async throws {
        var configuration = JSONRPCPeer.Configuration()
        configuration.interceptor = Tracer()
        configuration.metadataPlace = .metaOfParams
        try await ask(
            script, DelimiterFraming.newline, JSONRPCMethods(), configuration, report: "ok 202 requests"
        ) { peer in
            try await expectArithmetic(peer)
            let metadata: [String: String] = try await peer.request("traced", timeout: .seconds(30))
            #expect(metadata == Tracer.metadata)
        }
    }

    @Test(.requiresIndexPackages, arguments: ["jsonrpcserver_peer.py", "jsonrpc_peer.py"])
    func `hears at once of servers that refuse a request without saying which`(script: String) async throws {
        var configuration = JSONRPCPeer.Configuration()
        configuration.interceptor = Tracer()
        try await ask(
            script, DelimiterFraming.newline, JSONRPCMethods(), configuration, report: "ok 1 requests"
        ) { peer in
            let refusal = await #expect(throws: JSONRPCError.self) {
                try await peer.request("add", Pair(left: 1, right: 2))
            }
            #expect(refusal?.code == .invalidRequest)
        }
    }

    @Test(.requiresIndexPackages)
    func `calls pygls, behind Content-Length, and is called back`() async throws {
        try await ask("pygls_peer.py", ContentLengthFraming(), Self.doubling, report: "ok 200 requests") { peer in
            let limit = Duration.seconds(30)
            _ = try await peer.requestJSON("initialize", JSONText(#"{"capabilities":{}}"#), timeout: limit)
            let sums = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<199 {
                    group.addTask {
                        try await peer.request("add", Pair(left: number, right: 1), timeout: limit) - number
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(sums == 199)
            let answer: Int = try await peer.request("ask back", [1], timeout: limit)
            #expect(answer == 43)
        }
    }

    // MARK: Vocabulary

    /// Sends the headers of a W3C Trace Context tracer.
    private struct Tracer: JSONRPCInterceptor {
        static let metadata = ["traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]

        nonisolated(nonsending) func send<Outcome>(
            _ call: JSONRPCOutgoingCall, next: nonisolated(nonsending) ([String: String]) async throws -> Outcome
        ) async throws -> Outcome {
            try await next(Self.metadata)
        }
    }

    private static var doubling: JSONRPCMethods {
        var methods = JSONRPCMethods()
        methods.handle("double") { (numbers: [Int], _) in numbers[0] * 2 }
        return methods
    }

    /// A call back, and a timeout that cancels at the other end.
    private func expectConversation(_ peer: JSONRPCPeer) async throws {
        let answer: Int = try await peer.request("ask back", [21], timeout: .seconds(30))
        #expect(answer == 43)
        let first = Task { try await peer.request("block", ["first"], timeout: .seconds(30)) as String }
        while await peer.pendingRequestCount == 0 { await Task.yield() }
        await #expect(throws: JSONRPCRequestFailure.self) {
            try await peer.request("block", ["second"], timeout: .milliseconds(100))
        }
        try await peer.notify("release")
        #expect(try await first.value == "first")
        // The request that our timeout cancelled never ran there.
        let ran: [String] = try await peer.request("ran", timeout: .seconds(30))
        #expect(ran == ["first"])
    }

    private func expectArithmetic(_ peer: JSONRPCPeer) async throws {
        let sums = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<199 {
                group.addTask {
                    try await peer.request("add", Pair(left: number, right: 1), timeout: .seconds(30)) - number
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sums == 199)
        let error = await #expect(throws: JSONRPCError.self) {
            try await peer.request("divide", Pair(left: 1, right: 0))
        }
        #expect(error?.code.rawValue == 7)
        #expect(try error?.data?.decode(as: [Int].self) == [1])
        let unknown = await #expect(throws: JSONRPCError.self) { try await peer.request("foobar") }
        #expect(unknown?.code == .methodNotFound)
    }

    private static func methods() -> JSONRPCMethods {
        let notes = Mutex<[String]>([])
        var methods = JSONRPCMethods()
        methods.handle("add") { (pair: Pair, _) in pair.left + pair.right }
        methods.handle("divide") { (pair: Pair, _) -> Int in
            throw JSONRPCError(.init(rawValue: 7), "division by zero", data: try JSONText(encoding: [pair.left]))
        }
        methods.handle("ping") { _ in "pong" }
        methods.handle("fail") { (_: JSONRPCCall) -> Int in throw Failure() }
        methods.handle("ask back") { (numbers: [Int], call) in
            try await call.peer.request("double", numbers, timeout: .seconds(30)) + 1
        }
        methods.handle("wait") { _ in
            let (forever, _) = AsyncStream.makeStream(of: Void.self)
            for await _ in forever {}
            throw CancellationError()
        }
        methods.handle("metadata") { call in call.metadata }
        methods.handle("note") { (texts: [String], _) in notes.withLock { $0 += texts } }
        methods.handle("notes") { _ in notes.withLock { $0 } }
        return methods
    }

    /// Serves one peer until it has ended, and expects its report.
    private func serve(_ script: String, _ framing: any MessageFraming, report: String) async throws {
        let address = try PipeAddress.unique(prefix: "rpc")
        let methods = Self.methods()
        let (listening, announce) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = try await PipeServer.serve(
                    at: address, configuration: PipeServer.Configuration(framing: framing),
                    onEvent: { _, event in if case .listening = event { announce.yield() } }
                ) { connection in try await JSONRPCPeer.serve(connection, methods: methods) }
            }
            for await _ in listening { break }
            let peer = try ForeignPeer(script, ["client", "\(address)"])
            while !peer.hasExited { await Task.yield() }
            peer.expectSuccess(printing: report)
            group.cancelAll()
        }
    }

    /// Talks to one peer, which serves, and expects its report.
    private func ask(
        _ script: String, _ framing: any MessageFraming, _ methods: JSONRPCMethods,
        _ configuration: JSONRPCPeer.Configuration = JSONRPCPeer.Configuration(), report: String,
        _ body: @escaping @Sendable (JSONRPCPeer) async throws -> Void
    ) async throws {
        let address = try PipeAddress.unique(prefix: "rpc")
        let peer = try ForeignPeer(script, ["server", "\(address)"])
        while peer.output != ["listening"], !peer.hasExited { await Task.yield() }
        try await PipeClient.withConnection(to: address, configuration: PipeClient.Configuration(framing: framing)) {
            try await JSONRPCPeer.run(on: $0, methods: methods, configuration: configuration, body)
        }
        while !peer.hasExited { await Task.yield() }
        peer.expectSuccess(printing: "listening", report)
    }
}
