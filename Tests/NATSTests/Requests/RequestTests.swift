// SPDX-License-Identifier: Apache-2.0
#if NATS
import BrokerTestSupport
import NamedPipesRPC
import PipeTestSupport
import Testing

@testable import NamedPipes
@testable import NamedPipesNATS

@Suite(.requiresBroker) struct `A request without a session` {
    @Test func `is answered with the result, or with the error of the handler`() throws {
        try withService { stage, _, client in
            #expect(try stage.ask(client, "add", "[1,2,39]").result == "42")
            let failed = try stage.ask(client, "fail", "[]").error
            #expect(failed == JSONRPCError(.init(rawValue: 42), "no\nway", data: try JSONText(#"{"at":3}"#)))
            #expect(try stage.ask(client, "missing").error?.code == .methodNotFound)
            #expect(try stage.ask(client, "add", #"{"a":1}"#).error?.code == .invalidParams)
        }
    }

    @Test func `is refused if it is not JSON`() throws {
        try withService { stage, _, client in
            let answer = Answer()
            client.start(
                PendingRequest(
                    client, .init(subject: "sums.add", payload: Array("{".utf8)), timeout: .seconds(600), answer.take))
            try #require(stage.loop.run { answer.isThere })
            #expect(answer.error?.code == .parseError)
        }
    }

    @Test func `fails at once if there is no service`() throws {
        try withStage { stage in
            let client = try stage.link()
            try stage.connect(client)
            let answer = try stage.ask(client, "add", "[]")
            #expect(answer.failure as? NATSError == .noServer(subject: "sums.add"))
            #expect(client.requests.isEmpty)
        }
    }

    @Test func `fails when its time is up, and its answer is dropped`() throws {
        let time = VirtualTime()
        try withService(in: time) { stage, service, client in
            let answer = Answer()
            try client.requestJSON("sums", "wait", timeout: .seconds(5), answer.take)
            stage.loop.reactor.advance(by: .zero)
            try #require(stage.loop.run { service.handledRequestCount == 1 })
            stage.loop.reactor.advance(by: .seconds(5))
            try #require(answer.isThere)
            guard case JSONRPCRequestFailure.timedOut(.seconds(5))? = answer.failure else {
                Issue.record("\(String(describing: answer.failure))")
                return
            }
            service.stop()
            try #require(stage.loop.run { service.isStopped })
        }
    }

    @Test func `waits for the link, and fails if its connection is lost after that`() throws {
        try withService { stage, service, client in
            stage.broker.kill()
            try #require(stage.loop.run { if case .waiting = client.state { true } else { false } })
            let early = Answer()
            try client.requestJSON("sums", "wait", timeout: .seconds(600), early.take)
            try stage.broker.start(stage.loop)
            try stage.connect(client)
            // The service may come back after the client.
            while service.handledRequestCount == 0 {
                if early.isThere {
                    #expect(early.failure as? NATSError == .noServer(subject: "sums.wait"))
                    early.forget()
                    try client.requestJSON("sums", "wait", timeout: .seconds(600), early.take)
                }
                try #require(stage.loop.run { service.handledRequestCount == 1 || early.isThere })
            }
            stage.broker.kill()
            try #require(stage.loop.run { early.isThere })
            #expect(early.failure as? NATSError == .connectionLost)
            service.stop()
            try #require(stage.loop.run { service.isStopped })
        }
    }

    @Test func `can be made by a task, which can be cancelled`() throws {
        try withService { stage, service, client in
            let (reference, sum) = (client.reference, Count())
            Task(executorPreference: OtherThreads.shared) {
                let value: Int = try await reference.request("sums", "add", [20, 22], timeout: .seconds(600))
                sum.add(value)
            }
            try #require(stage.loop.poll { sum.value == 42 })
            let isCancelled = Count()
            let task = Task(executorPreference: OtherThreads.shared) {
                do {
                    _ = try await reference.requestJSON("sums", "wait", nil, timeout: .seconds(600))
                } catch is CancellationError {
                    isCancelled.add()
                }
            }
            try #require(stage.loop.poll { service.handledRequestCount == 1 })
            task.cancel()
            try #require(stage.loop.poll { isCancelled.value == 1 })
            #expect(client.requests.isEmpty)
            service.stop()
            try #require(stage.loop.run { service.isStopped })
        }
    }

    @Test func `without a reply subject is a notification`() throws {
        let notes = Count()
        try withService(notes: notes) { stage, _, client in
            client.publish(Array("[7]".utf8), to: Array("sums.note".utf8) + [0])
            try #require(stage.loop.run { notes.value == 7 })
        }
    }

    @Test func `is answered with an error if its result is larger than the broker allows`() throws {
        try withService { stage, _, client in
            #expect(try stage.ask(client, "large", "[2000000]").error?.code == .internalError)
            #expect(try stage.ask(client, "large", "[1000000]").result?.utf8.count == 1_000_002)
            let tooLarge = try stage.ask(client, "add", "[\(String(repeating: "1,", count: 600_000))1]")
            #expect(client.requests.isEmpty)
            #expect(tooLarge.failure as? NATSError == .messageTooLarge(byteCount: 1_200_003, limit: 1 << 20))
        }
    }

    @Test(arguments: ["", "a b", "a*", ">"]) func `needs a method that is a subject`(_ method: String) throws {
        try withStage { stage in
            let link = try stage.link()
            #expect(throws: NATSError.self) { try link.requestJSON("sums", method) { _ in } }
        }
    }
}

/// The answer to one request.
final class Answer {
    private var outcome: Result<JSONText, any Error>?

    func take(_ outcome: Result<JSONText, any Error>) {
        #expect(self.outcome == nil, "answered twice")
        self.outcome = outcome
    }

    func forget() { outcome = nil }

    var isThere: Bool { outcome != nil }

    var result: String? { (try? outcome?.get())?.description }

    var failure: (any Error)? { if case .failure(let error) = outcome { error } else { nil } }

    var error: JSONRPCError? { failure as? JSONRPCError }
}

/// A link that serves `sums`, and another one for its clients, both connected.
func withService(
    in virtualTime: VirtualTime? = nil, notes: Count = Count(),
    _ configuration: NATSService.Configuration = NATSService.Configuration(),
    _ body: (Stage, NATSService, NATSLink) throws -> Void
) throws {
    try withStage(in: virtualTime) { stage in
        let (servers, clients) = (try stage.link(), try stage.link())
        let service = try servers.serve(sums(notes), at: "sums", configuration: configuration)
        var isRead = false
        servers.whenReadByBroker { isRead = true }
        try stage.connect(clients)
        try #require(stage.loop.run { isRead })
        try body(stage, service, clients)
    }
}

func sums(_ notes: Count = Count()) -> JSONRPCMethods {
    var methods = JSONRPCMethods()
    methods.handle("add") { (numbers: [Int], _) in numbers.reduce(0, +) }
    methods.handle("fail") { (_: [Int], _) -> Int in
        throw JSONRPCError(.init(rawValue: 42), "no\nway", data: try JSONText(#"{"at":3}"#))
    }
    methods.handle("note") { (numbers: [Int], _) in notes.add(numbers.reduce(0, +)) }
    methods.handle("large") { (counts: [Int], _) in String(repeating: "x", count: counts[0]) }
    // Until it is cancelled.
    methods.handle("wait") { _ in
        let gate = Gate()
        await gate.pass()
        try Task.checkCancellation()
    }
    return methods
}

extension Stage {
    /// Makes a request, and waits for its answer.
    func ask(_ link: NATSLink, _ method: String, _ params: String? = nil) throws -> Answer {
        let answer = Answer()
        try link.requestJSON("sums", method, params.map { try JSONText($0) }, timeout: .seconds(600), answer.take)
        try #require(loop.run { answer.isThere })
        return answer
    }
}
#endif
