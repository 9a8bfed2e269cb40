// SPDX-License-Identifier: Apache-2.0
#if Service
import InMemoryTracing
import NamedPipes
import NamedPipesRPC
import NamedPipesService
import PipeTestSupport
import Testing
import Tracing

private struct Mishap: Error {}

/// A client and a server with a tracer each, as in two processes.
private struct TracedPair {
    let asking = InMemoryTracer()
    let answering = InMemoryTracer(idGenerator: .init(nextTraceID: { "own-trace" }, nextSpanID: { "own-span" }))
    var trustsPeers = true

    func run(
        _ methods: JSONRPCMethods, _ body: @escaping @Sendable (JSONRPCPeer) async throws -> Void
    ) async throws {
        let running = try Running()
        var tracing = JSONRPCTracing(tracer: answering)
        tracing.trustsPeers = trustsPeers
        var configuration = JSONRPCPeer.Configuration()
        configuration.interceptor = tracing
        var client = JSONRPCPeer.Configuration()
        client.interceptor = JSONRPCTracing(tracer: asking)
        try await running.run { [configuration] connection in
            try await JSONRPCPeer.serve(connection, methods: methods, configuration: configuration)
        } while: { [client] _ in
            try await PipeClient.withConnection(to: running.address) { connection in
                try await JSONRPCPeer.run(on: connection, configuration: client, body)
            }
        }
    }
}

@Suite struct `Tracing of JSON-RPC` {
    @Test func `leads from a request to its handler`() async throws {
        let pair = TracedPair()
        var methods = JSONRPCMethods()
        methods.handle("double") { (numbers: [Int], _) in numbers.map { $0 * 2 } }
        try await pair.run(methods) { peer in
            let doubled: [Int] = try await peer.request("double", [1, 2])
            #expect(doubled == [2, 4])
        }
        let request = try #require(pair.asking.finishedSpans.first)
        let handling = try #require(pair.answering.finishedSpans.first)
        #expect(request.operationName == "double")
        #expect(request.kind == .client)
        #expect(handling.operationName == "double")
        #expect(handling.kind == .server)
        #expect(handling.traceID == request.traceID)
        #expect(handling.parentSpanID == request.spanID)
        #expect(handling.attributes.get("rpc.system.name") == "jsonrpc")
        #expect(handling.attributes.get("rpc.method") == "double")
        #expect(handling.attributes.get("jsonrpc.request.id") == "1")
        #expect(handling.attributes.get("network.transport") == "unix")
        #expect(request.errors.isEmpty && handling.errors.isEmpty)
        #expect(pair.asking.finishedSpans.count == 1 && pair.answering.finishedSpans.count == 1)
    }

    @Test func `records what handlers throw, and what requests get`() async throws {
        let pair = TracedPair()
        var methods = JSONRPCMethods()
        methods.handle("fail") { (_: JSONRPCCall) -> Int in throw Mishap() }
        try await pair.run(methods) { peer in
            await #expect(throws: JSONRPCError.self) { try await peer.request("fail") }
        }
        let request = try #require(pair.asking.finishedSpans.first)
        let handling = try #require(pair.answering.finishedSpans.first)
        #expect(request.status?.code == .error)
        #expect(request.attributes.get("rpc.response.status_code") == "-32603")
        #expect(request.attributes.get("error.type") == "-32603")
        #expect(request.attributes.get("jsonrpc.protocol.version") == "2.0")
        #expect(handling.attributes.get("error.type") == "Mishap")
        #expect((request.errors.first?.error as? JSONRPCError)?.code == .internalError)
        #expect(handling.status?.code == .error)
        #expect(handling.errors.first?.error is Mishap)
    }

    @Test func `is one trace for the requests that a handler makes, and has the caller's span above it`() async throws {
        let pair = TracedPair()
        var methods = JSONRPCMethods()
        methods.handle("outer") { (call: JSONRPCCall) -> String? in
            // The handler's own work with the same tracer is below its own span.
            ServiceContext.current?.inMemorySpanContext?.spanID
        }
        try await pair.run(methods) { [pair] peer in
            try await pair.asking.withSpan("work") { span in
                let seen: String? = try await peer.request("outer")
                #expect(seen == "own-span")
            }
        }
        let spans = pair.asking.finishedSpans
        #expect(spans.map(\.operationName) == ["outer", "work"])
        #expect(spans[0].parentSpanID == spans[1].spanID)
        #expect(pair.answering.finishedSpans.first?.traceID == spans[1].traceID)
    }

    @Test func `covers notifications, batches and unknown methods`() async throws {
        let pair = TracedPair()
        var methods = JSONRPCMethods()
        methods.handle("note") { _ in }
        methods.handleOthers { _, _ in try JSONText("1") }
        try await pair.run(methods) { peer in
            try await peer.notify("note")
            var batch = JSONRPCBatch()
            let handle = try batch.request("anything", [1], returning: Int.self)
            #expect(try await peer.send(batch).value(of: handle) == 1)
        }
        #expect(pair.asking.finishedSpans.map(\.operationName) == ["note", "batch"])
        #expect(pair.asking.finishedSpans.map(\.kind) == [.producer, .client])
        #expect(pair.answering.finishedSpans.map(\.operationName) == ["note", "other"])
        #expect(pair.answering.finishedSpans.map(\.kind) == [.consumer, .server])
        #expect(pair.answering.finishedSpans.map(\.traceID) == pair.asking.finishedSpans.map(\.traceID))
    }

    @Test func `begins a trace of its own where clients must not choose it`() async throws {
        var pair = TracedPair()
        pair.trustsPeers = false
        var methods = JSONRPCMethods()
        methods.handle("ping") { _ in "pong" }
        try await pair.run(methods) { try await $0.request("ping") }
        #expect(pair.answering.finishedSpans.first?.traceID == "own-trace")
        #expect(pair.answering.finishedSpans.first?.parentSpanID == nil)
    }
}
#endif
