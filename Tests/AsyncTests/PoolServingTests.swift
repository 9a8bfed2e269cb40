// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct `An async pool` {
    @Test(arguments: [1, 2, 3] as [ReactorCount])
    func `serves each connection with a task on its worker's thread`(reactors: ReactorCount) async throws {
        let elsewhere = Count()
        let report = try await PoolServing.run(reactors) { connection in
            for try await message in connection.messages {
                if !connection.executor.isCurrent { elsewhere.add() }
                try await connection.send(message)
            }
        } while: { serving in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<6 {
                    group.addTask {
                        try await PipeClient.withConnection(to: serving.address) { connection in
                            for round in 0..<3 {
                                try await connection.send("\(number) \(round)")
                                let answer = try await connection.nextMessage().flatMap { String(copying: $0) }
                                #expect(answer == "\(number) \(round)")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(await eventually { serving.events.count("disconnected closedByPeer") == 6 })
            serving.stop(within: .seconds(10_000))
        }
        #expect(elsewhere.value == 0)
        #expect(report?.forcedCount == 0)
    }

    @Test func `deals connections to all workers, whose handlers run at the same time`() async throws {
        // Each handler waits for the other one without giving its thread up: on one thread, neither would go on.
        let meeting = Meeting(2)
        _ = try await PoolServing.run(2) { connection in
            for try await _ in connection.messages { try await connection.send(meeting.meet() ? "met" : "alone") }
        } while: { serving in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        try await PipeClient.withConnection(to: serving.address) { connection in
                            try await connection.send("x")
                            let answer = try await connection.nextMessage().flatMap { String(copying: $0) }
                            #expect(answer == "met")
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `reports the events of the name once, and those of connections`() async throws {
        let report = try await PoolServing.run(2, handler: echo) { serving in
            _ = try await PipeClient.withConnection(to: serving.address) { connection in
                try await connection.send("x")
                _ = try await connection.nextMessage()
            }
            #expect(await eventually { serving.events.count("disconnected closedByPeer") == 1 })
            serving.stop(within: .zero)
            #expect(await eventually { serving.events.count("stopped") == 1 })
            let events = serving.events.texts
            #expect(events.sorted() == ["connected", "disconnected closedByPeer", "listening", "stopped"])
            #expect(events.last == "stopped")
        }
        #expect(report?.endedCount == 0)
    }

    @Test func `reports a handler that throws, and continues to serve`() async throws {
        struct Trouble: Error {}
        _ = try await PoolServing.run(2) { connection in
            for try await message in connection.messages {
                if message.byteCount == 1 { throw Trouble() }
                try await connection.send(message)
            }
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                try await connection.send("x")
                _ = try await connection.waitForEnd()
            }
            #expect(await eventually { serving.events.count("failed Trouble()") == 1 })
            try await PipeClient.withConnection(to: serving.address) { connection in
                try await connection.send("hello")
                _ = try #require(try await connection.nextMessage())
            }
        }
    }

    @Test(arguments: [1, 2] as [ReactorCount])
    func `ends all handlers when its task is cancelled, and only then returns`(reactors: ReactorCount) async throws {
        let (running, cancelled) = (Count(), Count())
        let report = try await PoolServing.run(reactors) { _ in
            await waitForCancellation(running, cancelled)
        } while: { serving in
            let peers = try (0..<4).map { _ in try RawPeer(connectingTo: serving.address) }
            #expect(await eventually { running.value == 4 })
            for peer in peers { peer.close() }
        }
        #expect(report == nil)
        #expect(cancelled.value == 4)
    }

    @Test(arguments: HandlerWait.allCases)
    func `throws a CancellationError in a handler that waits when its task is cancelled`(
        _ wait: HandlerWait
    ) async throws {
        let recorder = HandlerWaitRecorder(wait)
        _ = try await PoolServing.run(2) { connection in
            await recorder.run(connection)
        } while: { serving in
            try await recorder.connect(to: serving.address)
        }
        #expect(recorder.texts == ["CancellationError()"])
    }

    /// Without a grace, its handlers would wait for ever.
    @Test func `bounds its handlers by the grace period`() async throws {
        let (running, cancelled) = (Count(), Count())
        let report = try await PoolServing.run(2) { _ in
            await waitForCancellation(running, cancelled)
        } while: { serving in
            let peers = try (0..<4).map { _ in try RawPeer(connectingTo: serving.address) }
            #expect(await eventually { running.value == 4 })
            serving.stop(within: .milliseconds(20))
            #expect(await eventually { cancelled.value == 4 })
            for peer in peers { peer.close() }
        }
        #expect(report?.endedCount == 4)
    }

    @Test func `answers what has arrived before it stops gracefully`() async throws {
        let gates = [Gate(), Gate()]
        let free = Mutex(gates)
        let running = Count()
        let report = try await PoolServing.run(2) { connection in
            running.add()
            await free.withLock { $0.removeLast() }.pass()
            try await echo(connection)
        } while: { serving in
            let peers = try (0..<2).map { _ in try RawPeer(connectingTo: serving.address) }
            for peer in peers { for number in UInt8(0)..<50 { peer.writeAll([0, 0, 0, 1, number]) } }
            #expect(await eventually { running.value == 2 })
            serving.stop(within: .seconds(10_000))
            for gate in gates { gate.open() }
            for peer in peers {
                #expect(
                    await eventually {
                        peer.readAll()
                        return peer.isAtEnd
                    })
                #expect(peer.received.count == 50 * 5)
            }
        }
        #expect(report?.endedCount == 2 && report?.forcedCount == 0)
    }

    @Test func `throws where it cannot have its name`() async throws {
        _ = try await PoolServing.run(2, handler: echo) { serving in
            await #expect(throws: PipeError.self) {
                try await PipeServerPool.serve(at: serving.address, reactors: 2, handler: echo)
            }
        }
    }

    @Test func `does not begin in a task that is cancelled`() async throws {
        let address = try PipeAddress.unique(prefix: "async")
        let task = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            try await PipeServerPool.serve(at: address, reactors: 2, handler: echo)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

/// A handler's work that ends with its cancellation.
private nonisolated(nonsending) func waitForCancellation(_ running: Count, _ cancelled: Count) async {
    running.add()
    await Gate().pass()
    if Task.isCancelled { cancelled.add() }
}

/// Blocks threads until all of them are there.
private final class Meeting: Sendable {
    private let missing: Mutex<Int>

    init(_ count: Int) { missing = Mutex(count) }

    /// Returns whether the others have come.
    func meet() -> Bool {
        missing.withLock { $0 -= 1 }
        let start = ContinuousClock.now
        while missing.withLock({ $0 }) > 0 {
            guard .now - start < .seconds(300) else { return false }
            _ = poll(nil, 0, 1)
        }
        return true
    }
}

/// A pool that runs while a test's function does.
private struct PoolServing: Sendable {
    let address: PipeAddress
    let pool: PipeServerPool
    let events: Events
    /// Whether the test has stopped it.
    let stops = Count()

    func stop(within grace: Duration) {
        stops.add()
        pool.beginStopping(gracePeriod: grace)
    }

    final class Events: Sendable {
        private let log = Mutex<[String]>([])

        func add(_ event: PipeServer.ServeEvent) {
            let text =
                switch event {
                case .connected: "connected"
                case .disconnected(_, _, let reason): "disconnected \(reason.kind)"
                case .handlerFailed(_, _, let error): "failed \(error)"
                default: "\(event)"
                }
            log.withLock { $0.append(text) }
        }

        var texts: [String] { log.withLock { $0 } }

        func count(_ text: String) -> Int { log.withLock { $0.count { $0 == text } } }
    }

    /// Serves, calls the function once clients can connect, and ends with it.
    ///
    /// - Returns: the report of the pool if it was stopped rather than cancelled.
    static func run(
        _ reactors: ReactorCount,
        handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void,
        while body: @escaping @Sendable (PoolServing) async throws -> Void
    ) async throws -> ShutdownReport? {
        let address = try PipeAddress.unique(prefix: "async")
        let events = Events()
        let (listening, announce) = AsyncStream.makeStream(of: PipeServerPool.self)
        return try await withThrowingTaskGroup(of: ShutdownReport?.self) { group in
            group.addTask {
                defer { announce.finish() }
                do {
                    return try await PipeServerPool.serve(
                        at: address, reactors: reactors,
                        onEvent: { pool, event in
                            if case .listening = event { announce.yield(pool) }
                            events.add(event)
                        }, handler: handler)
                } catch is CancellationError {
                    return nil
                }
            }
            guard let pool = await listening.first(where: { _ in true }) else {
                _ = try await group.next()
                throw PipeError.notConnected(.notBegun)
            }
            let serving = PoolServing(address: address, pool: pool, events: events)
            try await body(serving)
            if serving.stops.value == 0 { group.cancelAll() }
            return try await group.next().flatMap { $0 }
        }
    }
}
