// SPDX-License-Identifier: Apache-2.0
#if NATS
import BrokerTestSupport
import PipeTestSupport
import Testing

@testable import NamedPipes
@testable import NamedPipesNATS

@Suite(.requiresBroker) struct `A consumer` {
    @Test func `gets every message in order, and acknowledges it by returning`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            for number in 1...10 { _ = try stage.publish("\(number)", stream).get() }
            var configuration = NATSConsumer.Configuration()
            configuration.batch = 4
            let inbox = Inbox()
            let consumer = try stream.consume(as: "billing", configuration: configuration, inbox.take)
            try #require(stage.loop.run { inbox.texts.count == 10 })
            #expect(inbox.texts == (1...10).map { "\($0)" })
            #expect(inbox.facts.map(\.streamSequence) == Array(1...10))
            #expect(inbox.facts.map(\.pendingCount) == (0...9).reversed())
            #expect(inbox.facts.allSatisfy { !$0.isRedelivered && $0.subject == "orders" && $0.timestamp > 0 })
            // The next one waits for it.
            _ = try stage.publish("11", stream).get()
            try #require(stage.loop.run { inbox.texts.count == 11 })
            try stage.waitForSettled(stream, "billing")
            consumer.stop()
            #expect(consumer.isStopped)
            try #require(stage.loop.run { stream.link.listeners.isEmpty })
        }
    }

    @Test func `gets a message again after its handler has thrown`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            var configuration = NATSConsumer.Configuration()
            configuration.delayAfterError = .milliseconds(1)
            let inbox = Inbox()
            inbox.failureCount = 2
            var errors = 0
            let consumer = try stream.consume(as: "billing", configuration: configuration, inbox.take)
            consumer.onHandlerError = { _ in errors += 1 }
            _ = try stage.publish("x", stream).get()
            try #require(stage.loop.run { inbox.texts.count == 3 })
            #expect(inbox.facts.map(\.deliveryCount) == [1, 2, 3] && errors == 2)
            #expect(inbox.facts.map(\.isRedelivered) == [false, true, true])
            try stage.waitForSettled(stream, "billing")
        }
    }

    @Test func `gets no more than it has room for until deliveries are settled`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            for number in 1...5 { _ = try stage.publish("\(number)", stream).get() }
            var configuration = NATSConsumer.Configuration()
            configuration.settlement = .explicit
            configuration.batch = 2
            let inbox = Inbox()
            let consumer = try stream.consume(as: "billing", configuration: configuration, inbox.take)
            try #require(stage.loop.run { inbox.texts.count == 2 })
            // Everything that was asked for has come.
            try stage.settle(stream.link)
            #expect(inbox.texts == ["1", "2"] && consumer.unsettledCount == 2)
            inbox.deliveries[1].acknowledge()
            inbox.deliveries[1].acknowledge()
            #expect(consumer.unsettledCount == 1 && inbox.deliveries[1].isSettled)
            try #require(stage.loop.run { inbox.texts.count == 3 })
            inbox.deliveries[0].acknowledge()
            // One that is dropped makes room as well.
            inbox.deliveries.remove(at: 2)
            try #require(stage.loop.run { inbox.texts == ["1", "2", "3", "4", "5"] })
        }
    }

    @Test func `tells the broker its verdicts as JetStream writes them`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            let watching = try stage.link()
            try stage.connect(watching)
            let acknowledgements = BrokerListening(
                try #require(watching.line).connection.subscribe(to: "$JS.ACK.orders.billing.>"))
            try stage.settle(watching)
            var configuration = NATSConsumer.Configuration()
            configuration.settlement = .explicit
            let inbox = Inbox()
            try stream.consume(as: "billing", configuration: configuration, inbox.take)
            for number in 1...4 { _ = try stage.publish("\(number)", stream).get() }
            try #require(stage.loop.run { inbox.texts.count == 4 })
            inbox.deliveries[0].keepWorking()
            inbox.deliveries[0].acknowledge()
            inbox.deliveries[0].keepWorking()
            inbox.deliveries[1].reject()
            inbox.deliveries[2].reject(after: .seconds(3))
            inbox.deliveries[3].terminate()
            var verdicts: [String] = []
            try #require(
                stage.loop.run {
                    while let message = acknowledgements.next() {
                        verdicts.append(String(decoding: message.content, as: UTF8.self))
                    }
                    return verdicts.count == 5
                })
            #expect(verdicts == ["+WPI", "+ACK", "-NAK", #"-NAK {"delay":3000000000}"#, "+TERM"])
            // Only what was rejected comes again.
            try #require(stage.loop.run { inbox.texts.count == 5 })
            #expect(inbox.texts[4] == "2" && inbox.facts[4].deliveryCount == 2)
        }
    }

    @Test func `shares the messages with others of its name, which get what it does not settle`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            let second = try stage.link().stream("orders")
            var configuration = NATSConsumer.Configuration()
            configuration.settlement = .explicit
            configuration.batch = 1
            // Longer than the broker takes to hand out both messages, even on a crowded machine.
            configuration.ackWait = .seconds(3)
            let inboxes = [Inbox(), Inbox()]
            let consumers = try [
                stream.consume(as: "billing", configuration: configuration, inboxes[0].take),
                second.consume(as: "billing", configuration: configuration, inboxes[1].take),
            ]
            var startedCount = 0
            for consumer in consumers { consumer.onStart = { startedCount += 1 } }
            try #require(stage.loop.run { startedCount == 2 })
            // The broker has their pulls.
            for link in [stream.link, second.link] { try stage.settle(link) }
            for number in 1...2 { _ = try stage.publish("\(number)", stream).get() }
            // Neither has room for both.
            try #require(stage.loop.run { inboxes.allSatisfy { $0.texts.count == 1 } })
            #expect(Set(inboxes.flatMap(\.texts)) == ["1", "2"])
            // As if its process had been killed: nothing is settled, and nothing given back.
            let lost = inboxes[0].texts[0]
            second.link.close()
            consumers[0].stop()
            configuration.settlement = .onReturn
            let third = Inbox()
            try stream.consume(as: "billing", configuration: configuration, third.take)
            try #require(stage.loop.run { third.texts.count == 2 })
            #expect(Set(third.texts) == ["1", "2"] && third.texts.contains(lost))
            #expect(third.facts.allSatisfy { $0.deliveryCount >= 2 })
        }
    }

    @Test func `gives back what it has asked for and not handled when it stops`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            for number in 1...20 { _ = try stage.publish("\(number)", stream).get() }
            var configuration = NATSConsumer.Configuration()
            // JetStream drops what it was about to send once the subscription is gone, and sends it again after this.
            configuration.ackWait = .seconds(3)
            let inbox = Inbox()
            var first: NATSConsumer?
            first = try stream.consume(as: "billing", configuration: configuration) { message, delivery in
                try inbox.take(message, delivery)
                first?.stop()
            }
            try #require(stage.loop.run { first?.isStopped == true })
            #expect(inbox.texts == ["1"])
            try stream.consume(as: "billing", configuration: configuration, inbox.take)
            try #require(stage.loop.run { Set(inbox.texts).count == 20 })
            #expect(inbox.texts.filter { $0 == "1" }.count == 1)
        }
    }

    @Test func `goes on after the broker was restarted, and tells it what was settled meanwhile`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            var configuration = NATSConsumer.Configuration()
            configuration.settlement = .explicit
            let inbox = Inbox()
            try stream.consume(as: "billing", configuration: configuration, inbox.take)
            _ = try stage.publish("before", stream).get()
            try #require(stage.loop.run { inbox.texts == ["before"] })
            // In order: a broker that is killed may have forgotten the delivery, and makes another one.
            stage.broker.stop()
            try #require(stage.loop.run { if case .waiting = stream.link.state { true } else { false } })
            inbox.deliveries[0].acknowledge()
            try stage.broker.start(stage.loop)
            _ = try stage.publish("after", stream).get()
            try #require(stage.loop.run { inbox.texts == ["before", "after"] })
            inbox.deliveries[1].acknowledge()
            try stage.waitForSettled(stream, "billing")
            #expect(inbox.texts == ["before", "after"])
        }
    }

    @Test func `is created again when the broker is silent, because it does not know it`() throws {
        try withStreams(in: VirtualTime()) { stage in
            let stream = try stage.stream("orders")
            var configuration = NATSConsumer.Configuration()
            configuration.settlement = .explicit
            configuration.batch = 1
            let inbox = Inbox()
            try stream.consume(as: "billing", configuration: configuration, inbox.take)
            _ = try stage.publish("x", stream).get()
            try #require(stage.loop.run { inbox.texts == ["x"] })
            // No pull is under way, which the broker would answer.
            try stage.delete(stream, "billing")
            inbox.deliveries[0].acknowledge()
            try stage.settle(stream.link)
            let interval = stage.configuration.sessionTimeout / 2
            for _ in 0..<PullState.silenceLimit { stage.loop.reactor.advance(by: interval) }
            // The new one begins with the stream's first message.
            try #require(stage.loop.run { inbox.texts == ["x", "x"] })
            #expect(inbox.facts.map(\.deliveryCount) == [1, 1])
        }
    }

    @Test func `ends if it is deleted, or if there is no stream`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            var ends: [NATSError] = []
            let consumer = try stream.consume(as: "billing") { _, _ in }
            consumer.onEnd = { ends.append($0) }
            var isStarted = false
            consumer.onStart = { isStarted = true }
            try #require(stage.loop.run { isStarted })
            try stage.settle(stream.link)
            try stage.delete(stream, "billing")
            try #require(stage.loop.run { !ends.isEmpty })
            #expect(ends == [.consumerDeleted("billing")] && consumer.isStopped)
            try stage.other(stream, "nothing").consume(as: "billing") { _, _ in }.onEnd = { ends.append($0) }
            try #require(stage.loop.run { ends.count == 2 })
            #expect(ends[1] == .noStream("nothing"))
            try #require(stage.loop.run { stream.link.listeners.isEmpty })
        }
    }

    @Test func `ends with its link`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            let consumer = try stream.consume(as: "billing") { _, _ in }
            stream.link.close()
            try #require(stage.loop.run { consumer.isStopped })
            #expect(stream.link.listeners.isEmpty)
        }
    }

    @Test func `gets only the messages of its filter, from where it begins`() throws {
        try withStreams { stage in
            var limits = NATSStream.Configuration()
            limits.subjects = ["orders.>"]
            let stream = try stage.stream("orders", limits)
            _ = try stage.publish("old", stream, to: "orders.new").get()
            var configuration = NATSConsumer.Configuration()
            configuration.deliverPolicy = .new
            configuration.filterSubject = "orders.new"
            let inbox = Inbox()
            var isStarted = false
            try stream.consume(as: "billing", configuration: configuration, inbox.take).onStart = { isStarted = true }
            try #require(stage.loop.run { isStarted })
            _ = try stage.publish("other", stream, to: "orders.paid").get()
            _ = try stage.publish("new", stream, to: "orders.new", id: "7").get()
            try #require(stage.loop.run { !inbox.texts.isEmpty })
            #expect(inbox.texts == ["new"] && inbox.facts[0].subject == "orders.new")
            #expect(inbox.deliveries[0].header("Nats-Msg-Id") == "7" && inbox.deliveries[0].header("none") == nil)
        }
    }

    @Test func `may have a handler that waits, several at a time`() throws {
        try withStreams { stage in
            let stream = try stage.stream("orders")
            var configuration = NATSConsumer.Configuration()
            configuration.batch = 3
            configuration.delayAfterError = .milliseconds(1)
            let (running, done, failed, gates) = (Count(), Count(), Count(), (0..<3).map { _ in Gate() })
            let consumer = try stream.handleMessages(as: "billing", configuration: configuration) { content, facts in
                running.add()
                if facts.streamSequence <= 3 { await gates[Int(facts.streamSequence) - 1].pass() }
                if content == [5], !facts.isRedelivered { throw CancellationError() }
                done.add()
            }
            consumer.onHandlerError = { _ in failed.add() }
            for number in 1...5 { _ = try stage.publish([UInt8(number)], stream).get() }
            try #require(stage.loop.run { running.value == 3 })
            try stage.settle(stream.link)
            #expect(running.value == 3 && consumer.unsettledCount == 3)
            for gate in gates { gate.open() }
            try #require(stage.loop.run { done.value == 5 && consumer.unsettledCount == 0 })
            #expect(running.value == 6 && failed.value == 1)
            try stage.waitForSettled(stream, "billing")
        }
    }
}

/// What a consumer of a test has got.
private final class Inbox {
    var texts: [String] = []
    var facts: [NATSDelivery.Facts] = []
    var deliveries: [NATSDelivery] = []
    /// How many deliveries its handler fails for.
    var failureCount = 0

    private struct Failure: Error {}

    func take(_ message: Span<UInt8>, _ delivery: NATSDelivery) throws {
        texts.append(String(copying: try UTF8Span(validating: message)))
        facts.append(delivery.facts)
        deliveries.append(delivery)
        guard facts.count > failureCount else { throw Failure() }
    }
}

extension Stage {
    fileprivate func delete(_ stream: NATSStream, _ consumer: String) throws {
        let deletion: Result<StreamCall.Done, NATSError> = try wait {
            try StreamCall(stream, api: "CONSUMER.DELETE.\(stream.name).\(consumer)").start(
                timeout: .seconds(600), $0)
        }
        _ = try deletion.get()
    }

    /// Runs until the broker knows no delivery of a consumer that is unsettled, and no message that is to come.
    fileprivate func waitForSettled(_ stream: NATSStream, _ consumer: String) throws {
        struct Info: Decodable {
            let unsettledCount: Int
            let pendingCount: Int

            enum CodingKeys: String, CodingKey {
                case unsettledCount = "num_ack_pending"
                case pendingCount = "num_pending"
            }
        }
        var isSettled = false
        while !isSettled {
            let info: Result<Info, NATSError> = try wait {
                try StreamCall(stream, api: "CONSUMER.INFO.\(stream.name).\(consumer)").start(
                    timeout: .seconds(600), $0)
            }
            isSettled = try info.get().unsettledCount == 0 && info.get().pendingCount == 0
        }
    }
}
#endif
