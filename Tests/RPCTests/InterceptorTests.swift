// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Synchronization
import Testing

/// Adds metadata to everything that is sent, and notes what passes.
private final class Journal: JSONRPCInterceptor {
    let metadata: [String: String]
    private let log = Mutex<[String]>([])

    init(_ metadata: [String: String] = [:]) { self.metadata = metadata }

    var entries: [String] { log.withLock { $0 } }

    private func note(_ entry: String) { log.withLock { $0.append(entry) } }

    nonisolated(nonsending) func send<Outcome>(
        _ call: JSONRPCOutgoingCall, next: nonisolated(nonsending) ([String: String]) async throws -> Outcome
    ) async throws -> Outcome {
        note("\(call.kind) \(call.method ?? "-")")
        do {
            let outcome = try await next(metadata)
            note("sent")
            return outcome
        } catch {
            note("\(error)")
            throw error
        }
    }

    nonisolated(nonsending) func handle(
        _ call: JSONRPCCall, next: nonisolated(nonsending) () async throws -> JSONText
    ) async throws -> JSONText {
        note("\(call.method) with \(call.metadata.sorted { $0.key < $1.key }.map { "\($0)=\($1)" })")
        do {
            return try await next()
        } catch {
            note("\(type(of: error))")
            throw error
        }
    }
}

private func methods(telling tell: @escaping @Sendable ([String: String]) -> Void = { _ in }) -> JSONRPCMethods {
    var methods = JSONRPCMethods.arithmetic
    methods.handle("metadata") { call in call.metadata }
    methods.handle("tell") { call in tell(call.metadata) }
    return methods
}

@Suite struct `Metadata of JSON-RPC requests` {
    private let trace = ["traceparent": "00-af-b7-01", "tracestate": "a=\"1\",ü"]

    private func client(_ interceptor: Journal) -> JSONRPCPeer.Configuration {
        var configuration = JSONRPCPeer.Configuration()
        configuration.interceptor = interceptor
        return configuration
    }

    @Test func `travels with a request to its handler`() async throws {
        let conversation = Conversation(methods: methods())
        let arrived: [String: String] = try await conversation.run(clientConfiguration: client(Journal(trace))) {
            try await $0.request("metadata")
        }
        #expect(arrived == trace)
    }

    @Test func `travels with a notification, and with each request of a batch`() async throws {
        let (told, tell) = AsyncStream.makeStream(of: [String: String].self)
        let conversation = Conversation(methods: methods { tell.yield($0) })
        let journal = Journal(trace)
        let batched = try await conversation.run(clientConfiguration: client(journal)) { peer in
            try await peer.notify("tell")
            var batch = JSONRPCBatch()
            let handle = try batch.request("metadata", [Int](), returning: [String: String].self)
            try batch.notify("tell", [Int]())
            return try await peer.send(batch).value(of: handle)
        }
        #expect(batched == trace)
        var iterator = told.makeAsyncIterator()
        for _ in 0..<2 { #expect(await iterator.next() == trace) }
        #expect(journal.entries == ["notification tell", "sent", "batch(count: 2) -", "sent"])
    }

    @Test(arguments: [
        (nil, #"{"_meta":{"m":"\"1\""}}"#), ("{}", #"{"_meta":{"m":"\"1\""}}"#), ("{ }", #"{"_meta":{"m":"\"1\""} }"#),
        (#"{"a":1}"#, #"{"_meta":{"m":"\"1\""},"a":1}"#), (#"{"a":1,"_meta":{}}"#, #"{"a":1,"_meta":{"m":"\"1\""}}"#),
        (#"{"_meta":{"token":7},"a":1}"#, #"{"_meta":{"m":"\"1\"","token":7},"a":1}"#),
        (#"{"_meta":{"m":"0"}}"#, #"{"_meta":{"m":"0"}}"#), (#"{"_meta":3}"#, #"{"_meta":3}"#), ("[1]", "[1]"),
    ])
    func `travels within the parameters, where it was configured to`(params: String?, sent: String) async throws {
        var configuration = client(Journal(["m": "\"1\""]))
        configuration.metadataPlace = .metaOfParams
        var conversation = Conversation()
        conversation.configuration.metadataPlace = .metaOfParams
        conversation.methods.handleJSON("show") { params, call in
            try JSONText("[\(params?.description ?? ""),\(JSONText(encoding: call.metadata["m"]))]")
        }
        let reply = try await conversation.run(clientConfiguration: configuration) {
            try await $0.requestJSON("show", try params.map { try JSONText($0) })
        }
        let read = sent.contains(#""m":"0""#) ? #""0""# : sent.contains(#""m""#) ? #""\"1\"""# : "null"
        #expect(reply.description == "[\(sent),\(read)]")
    }

    @Test func `leaves out what JSON-RPC defines`() async throws {
        let journal = Journal([
            "id": "7", "method": "fail", "params": "x", "result": "1", "jsonrpc": "1.0", "note": "kept",
        ])
        let arrived: [String: String] = try await Conversation(methods: methods())
            .run(clientConfiguration: client(journal)) { try await $0.request("metadata") }
        #expect(arrived == ["note": "kept"])
    }

    @Test func `is strings only, the first of each name, and no more than the limit`() async throws {
        var conversation = Conversation(methods: methods())
        conversation.configuration.metadataByteLimit = 40
        let reply = try await conversation.runRaw { connection in
            try await connection.ask(
                #"{"jsonrpc":"2.0","id":1,"n":1,"o":{"a":"b"},"a":"1","a":"2","long":"12345678901234567890123456","b":"3","#
                    + #""method":"metadata"}"#)
        }
        // Of the 40 bytes, `"a"` and `"1"` take 6; `"long"` and its 28 bytes would fill them up exactly.
        #expect(reply?.contains(#""a":"1""#) == true)
        #expect(reply?.contains("long") == true)
        #expect(reply?.contains(#""b""#) == false)
        #expect(reply?.contains(#""n""#) == false)
        #expect(reply?.contains(#""o""#) == false)
    }
}

@Suite struct `An interceptor of JSON-RPC` {
    @Test func `wraps requests and handlers, and sees their errors`() async throws {
        let asking = Journal(["trace": "1"])
        let answering = Journal()
        var conversation = Conversation(methods: .arithmetic)
        conversation.configuration.interceptor = answering
        var configuration = JSONRPCPeer.Configuration()
        configuration.interceptor = asking
        try await conversation.run(clientConfiguration: configuration) { peer in
            let sum: Int = try await peer.request("add", Pair(left: 1, right: 2))
            #expect(sum == 3)
            await #expect(throws: JSONRPCError.self) { try await peer.request("fail") }
        }
        #expect(
            asking.entries == ["request add", "sent", "request fail", "Internal error (-32603)"])
        #expect(answering.entries == [#"add with ["trace=1"]"#, #"fail with ["trace=1"]"#, "OwnFailure"])
    }

    @Test func `may answer in a handler's place`() async throws {
        struct Closed: JSONRPCInterceptor {
            nonisolated(nonsending) func handle(
                _ call: JSONRPCCall, next: nonisolated(nonsending) () async throws -> JSONText
            ) async throws -> JSONText {
                throw JSONRPCError(.init(rawValue: 503), "closed")
            }
        }
        var conversation = Conversation(methods: .arithmetic)
        conversation.configuration.interceptor = Closed()
        await #expect(throws: JSONRPCError(.init(rawValue: 503), "closed")) {
            try await conversation.run { try await $0.request("ping") }
        }
    }
}
