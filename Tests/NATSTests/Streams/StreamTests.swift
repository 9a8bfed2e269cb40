// SPDX-License-Identifier: Apache-2.0
#if NATS
import BrokerTestSupport
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes
@testable import NamedPipesNATS

@Suite(.requiresBroker) struct `A stream` {
    @Test func `is created unless it exists, and refuses another configuration`() throws {
        try withStreams { stage in
            let stream = try stage.link().stream("orders")
            #expect(try stage.info(stream) == .failure(.noStream("orders")))
            var configuration = NATSStream.Configuration()
            configuration.subjects = ["orders.>"]
            configuration.maxMessages = 3
            configuration.maxBytes = 1 << 20
            configuration.maxAge = .seconds(3600)
            configuration.retention = .workQueue
            configuration.storage = .memory
            let empty = NATSStream.Info(
                messageCount: 0, byteCount: 0, firstSequence: 0, lastSequence: 0, consumerCount: 0)
            #expect(try stage.create(stream, configuration) == .success(empty))
            try #expect(stage.publish("1", stream, to: "orders.new").get().sequence == 1)
            #expect(try stage.create(stream, configuration).get().messageCount == 1)
            configuration.maxMessages = 4
            #expect(try stage.create(stream, configuration) == .failure(.streamDiffers("orders")))
            configuration.replicas = 3
            guard
                case .failure(.jetStream(let code, let text)) = try stage.create(
                    stage.other(stream, "three"), configuration)
            else { Issue.record("created"); return }
            #expect(code == 10074 && text.contains("replicas"))
        }
    }

    @Test func `numbers what it stores, and stores what has the same ID once`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            #expect(try stage.publish("a", stream) == .success(.init(sequence: 1, isDuplicate: false)))
            #expect(try stage.publish("b", stream, id: "7") == .success(.init(sequence: 2, isDuplicate: false)))
            #expect(try stage.publish("b", stream, id: "7") == .success(.init(sequence: 2, isDuplicate: true)))
            #expect(try stage.publish("a", stream) == .success(.init(sequence: 3, isDuplicate: false)))
            #expect(try stage.info(stream).get().messageCount == 3)
        }
    }

    @Test func `that is full refuses new messages, and names the limit`() throws {
        try withStreams { stage in
            var configuration = NATSStream.Configuration()
            configuration.maxMessages = 2
            let few = try stage.stream("few", configuration)
            for _ in 0..<2 { _ = try stage.publish("x", few).get() }
            #expect(try stage.publish("x", few) == .failure(.streamFull("few", "maximum messages exceeded")))
            configuration.maxMessages = nil
            configuration.maxBytes = 1000
            let small = try stage.other(few, "small")
            _ = try stage.create(small, configuration).get()
            let large = String(repeating: "x", count: 2000)
            #expect(try stage.publish(large, small) == .failure(.streamFull("small", "maximum bytes exceeded")))
            configuration.discard = .old
            configuration.maxBytes = nil
            configuration.maxMessages = 1
            let newest = try stage.other(few, "newest")
            _ = try stage.create(newest, configuration).get()
            for _ in 0..<3 { _ = try stage.publish("x", newest).get() }
            #expect(try stage.info(newest).get().firstSequence == 3)
        }
    }

    @Test func `stores only what is published to its subjects`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            let other = try stage.other(stream, "bills")
            _ = try stage.create(other).get()
            let nowhere = NATSError.notInStream("orders", subject: "nowhere")
            #expect(try stage.publish("x", stream, to: "nowhere") == .failure(nowhere))
            let elsewhere = NATSError.notInStream("orders", subject: "bills")
            #expect(try stage.publish("x", stream, to: "bills") == .failure(elsewhere))
            #expect(try stage.info(other).get().messageCount == 0)
        }
    }

    @Test func `does not exist at a broker without JetStream, which says so`() throws {
        try withStage { stage in
            let stream = try stage.link().stream("orders")
            #expect(try stage.create(stream) == .failure(.noJetStream))
            #expect(try stage.info(stream) == .failure(.noJetStream))
            #expect(try stage.publish("x", stream) == .failure(.noJetStream))
            let end = Box<NATSError?>(nil)
            try stream.consume(as: "billing") { _, _ in }.onEnd = { end.value = $0 }
            try #require(stage.loop.run { end.value != nil })
            #expect(end.value == .noJetStream)
        }
    }

    @Test func `stores messages as large as the broker accepts, headers included`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            var headers = BrokerConnection.byteCount(of: [("Nats-Msg-Id", "7"), ("Nats-Expected-Stream", "orders")])
            let largest = pattern((1 << 20) - headers)
            #expect(try stage.publish(largest, stream, id: "7").get().sequence == 1)
            headers += 1
            let tooLarge = NATSError.messageTooLarge(byteCount: (1 << 20) + 1, limit: 1 << 20)
            #expect(try stage.publish(largest, stream, id: "77") == .failure(tooLarge))
            let received = Box<[UInt8]>([])
            try stream.consume(as: "billing") { message, _ in received.value = [UInt8](copying: message) }
            try #require(stage.loop.run { !received.value.isEmpty })
            #expect(received.value == largest)
        }
    }

    @Test func `has what was acknowledged after the broker was killed`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            for number in 1...50 { _ = try stage.publish("\(number)", stream).get() }
            stage.broker.kill()
            try #require(stage.loop.run { if case .waiting = stream.link.state { true } else { false } })
            try stage.broker.start(stage.loop)
            #expect(try stage.info(stream).get().messageCount == 50)
            let texts = Box<[String]>([])
            try stream.consume(as: "billing") {
                texts.value.append(String(copying: try UTF8Span(validating: $0))); _ = $1
            }
            try #require(stage.loop.run { texts.value.count == 50 })
            #expect(texts.value == (1...50).map { "\($0)" })
        }
    }

    @Test func `stores a message once that was sent again because the verdict was lost`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            // It has read nothing of that when it is killed.
            stage.broker.signal(SIGSTOP)
            let verdict = Box<Result<NATSStream.Receipt, NATSError>?>(nil)
            try stream.publish("x", timeout: .seconds(600)) { verdict.value = $0 }
            stage.loop.settle()
            stage.broker.kill()
            try #require(stage.loop.run { if case .waiting = stream.link.state { true } else { false } })
            #expect(verdict.value == nil)
            try stage.broker.start(stage.loop)
            try #require(stage.loop.run { verdict.value != nil })
            #expect(verdict.value == .success(.init(sequence: 1, isDuplicate: false)))
            #expect(try stage.info(stream).get().messageCount == 1)
        }
    }

    @Test func `reports that the broker does not answer in time`() throws {
        let time = VirtualTime()
        try withStreams(in: time) { stage in
            let stream = try stage.stream("orders")
            stage.broker.signal(SIGSTOP)
            let verdict = Box<Result<NATSStream.Receipt, NATSError>?>(nil)
            try stream.publish("x", timeout: .seconds(5)) { verdict.value = $0 }
            stage.loop.reactor.advance(by: .seconds(5))
            #expect(verdict.value == .failure(.timedOut(.seconds(5))))
            stage.broker.signal(SIGCONT)
        }
    }

    @Test func `needs a name, and messages need a subject and an ID`() throws {
        try withStage { stage in
            let link = try stage.link()
            for name in ["", "a.b", "*", "a b"] {
                #expect(throws: NATSError.invalidName(name)) { try link.stream(name) }
                let stream = try link.stream("orders")
                #expect(throws: NATSError.invalidName(name)) { try stream.consume(as: name) { _, _ in } }
            }
            let stream = try link.stream("orders")
            for subject in ["", "orders.*", "orders.>", "a b"] {
                #expect(throws: NATSError.invalidName(subject)) { try stream.publish("x", to: subject) { _ in } }
            }
            for id in ["", "a\nb", "\u{7F}"] {
                #expect(throws: NATSError.invalidName(id)) { try stream.publish("x", id: id) { _ in } }
            }
            link.close()
            #expect(throws: NATSError.closed) { try stream.publish("x") { _ in } }
            #expect(throws: NATSError.closed) { try stream.consume(as: "billing") { _, _ in } }
        }
    }

    @Test func `may be published to by a task`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            let (reference, sequence) = (stream.link.reference, Count())
            Task(executorPreference: stage.loop.reactor.executor) {
                for _ in 0..<2 {
                    let receipt = try await reference.publish([1], in: "orders", id: "7", timeout: .seconds(600))
                    sequence.add(Int(receipt.sequence))
                }
            }
            try #require(stage.loop.run { sequence.value == 2 })
            // The broker does not answer, and the task does not wait for it.
            stage.broker.signal(SIGSTOP)
            let isCancelled = Count()
            let task = Task(executorPreference: stage.loop.reactor.executor) {
                do {
                    try await reference.publish([1], in: "orders", timeout: .seconds(600))
                } catch is CancellationError {
                    isCancelled.add()
                }
            }
            try #require(stage.loop.run { !stream.link.requests.isEmpty })
            task.cancel()
            try #require(stage.loop.run { isCancelled.value == 1 })
            #expect(stream.link.requests.isEmpty)
        }
    }
}

extension Stage {
    /// A stream that was created, on a link of its own.
    func stream(_ name: String, _ configuration: NATSStream.Configuration = .init()) throws -> NATSStream {
        let stream = try link().stream(name)
        _ = try create(stream, configuration).get()
        return stream
    }

    /// Another stream on the same link.
    func other(_ stream: NATSStream, _ name: String) throws -> NATSStream { try stream.link.stream(name) }

    func create(
        _ stream: NATSStream, _ configuration: NATSStream.Configuration = .init()
    ) throws -> Result<NATSStream.Info, NATSError> {
        try wait { try stream.create(configuration, timeout: .seconds(600), $0) }
    }

    func info(_ stream: NATSStream) throws -> Result<NATSStream.Info, NATSError> {
        try wait { try stream.info(timeout: .seconds(600), $0) }
    }

    func publish(
        _ message: String, _ stream: NATSStream, to subject: String? = nil, id: String? = nil
    ) throws -> Result<NATSStream.Receipt, NATSError> {
        try publish(Array(message.utf8), stream, to: subject, id: id)
    }

    func publish(
        _ message: [UInt8], _ stream: NATSStream, to subject: String? = nil, id: String? = nil
    ) throws -> Result<NATSStream.Receipt, NATSError> {
        try wait { try stream.publish(message, to: subject, id: id, timeout: .seconds(600), $0) }
    }

    /// Runs until something has reported, once.
    func wait<Value>(
        _ begin: (@escaping (Result<Value, NATSError>) -> Void) throws -> Void
    ) throws -> Result<Value, NATSError> {
        let outcome = Box<Result<Value, NATSError>?>(nil)
        try begin {
            #expect(outcome.value == nil, "reported twice")
            outcome.value = $0
        }
        try #require(loop.run { outcome.value != nil })
        return try #require(outcome.value)
    }
}
#endif
