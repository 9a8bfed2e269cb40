// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

/// An actor that lives on a reactor: it serves a name and answers in the callbacks, and other tasks await it like any
/// other actor.
///
/// The reactor's own objects never enter the actor's state, because the compiler cannot know that both share a thread.
/// The actor keeps what is `Sendable`: the server's reference, a connection's sender or ID.
private actor Counter: PipeServerDelegate {
    nonisolated let executor: ReactorExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private(set) var messageCount = 0
    private var server: ReactorReference<PipeServer>?
    private var waiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

    init(on executor: ReactorExecutor) { self.executor = executor }

    /// On the reactor's thread, where a server can be made.
    nonisolated func listen(on address: PipeAddress, reactor: Reactor) throws {
        let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: self).reference
        assumeIsolated { $0.server = server }
    }

    /// The callbacks come on the reactor's thread, which is the actor's: no await, no hop.
    nonisolated func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        let count = assumeIsolated { $0.count() }
        _ = try? connection.send("\(count)")
    }

    func waitForMessages(_ count: Int) async -> Bool {
        if messageCount < count {
            await withCheckedContinuation { waiting.append((count, $0)) }
        }
        return executor.isCurrent
    }

    func stop() { server?.perform { $0.stop() } }

    private func count() -> Int {
        messageCount += 1
        let due = waiting.filter { $0.count <= messageCount }
        waiting.removeAll { $0.count <= messageCount }
        for waiter in due { waiter.continuation.resume() }
        return messageCount
    }
}

struct ActorOnReactorTests {
    @Test func `an actor answers on its reactor while a task elsewhere awaits it`() async throws {
        let place = try Place()
        let address = place.address
        let (counters, continuation) = AsyncStream<Counter>.makeStream()
        let thread = try ReactorThread(name: "counter") { reactor in
            let counter = Counter(on: reactor.executor)
            try counter.listen(on: address, reactor: reactor)
            continuation.yield(counter)
        }
        let counter = try #require(await counters.first { _ in true })
        #expect(!counter.executor.isCurrent)
        let observer = Task { await counter.waitForMessages(3) }
        #expect(try Self.answers(to: ["a", "b", "c"], from: address) == ["1", "2", "3"])
        #expect(await observer.value, "the actor ran elsewhere than on its reactor")
        #expect(await counter.messageCount == 3)
        await counter.stop()
        thread.stop()
        thread.join()
    }

    /// The answers to a client on this thread.
    private static func answers(to messages: [String], from address: PipeAddress) throws -> [String] {
        let reactor = try Reactor()
        defer {
            reactor.stop()
            reactor.run()
        }
        let visitor = try Visitor(to: address, on: reactor)
        for message in messages { try visitor.send(message) }
        return try visitor.messages(messages.count)
    }
}
