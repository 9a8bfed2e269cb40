// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Synchronization

/// The number in front of a message.
private func number(of message: PipeMessage) -> (sender: Int, number: Int) {
    let bytes = [UInt8](copying: message)
    return (Int(bytes[0]), bytes[1...3].reduce(0) { $0 << 8 | Int($1) })
}

private func message(_ sender: Int, _ number: Int, _ byteCount: Int) -> [UInt8] {
    [UInt8(sender)] + (0..<3).map { UInt8(truncatingIfNeeded: number >> (16 - 8 * $0)) }
        + [UInt8](repeating: 9, count: byteCount - 4)
}

/// Sends numbered messages, takes messages, and may be the one that ends the connection.
final class StressedServer: Sendable {
    private let plan: StressPlan
    private let state = Mutex((received: [Int: [Int]](), hasEnded: false))

    init(_ plan: StressPlan) { self.plan = plan }

    var received: [Int: [Int]] { state.withLock { $0.received } }
    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    func talk(on connection: AsyncPipeConnection) async throws {
        defer { state.withLock { $0.hasEnded = true } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: connection.executor) { [self] in
                try? await send(on: connection)
                switch plan.ending {
                case .peerAborts: await connection.abort()
                case .peerLeaves: await connection.close()
                default: await connection.finishSending()
                }
            }
            do {
                var random = Seeded(plan.seed)
                try await connection.receiveAll(plan.serverManner, &random) { message in
                    let (sender, number) = number(of: message)
                    state.withLock { $0.received[sender, default: []].append(number) }
                }
            } catch is PipeError where plan.ending != .peerFinishes {}
            try await group.waitForAll()
        }
    }

    private func send(on connection: AsyncPipeConnection) async throws {
        var random = Seeded(plan.seed)
        for number in 0..<plan.messageCount {
            try await connection.send(message(0, number, plan.messageByteCount))
            await random.letOthersRun()
        }
    }
}

/// Its tasks take and send messages side by side, until they are cancelled or nothing is left to do.
final class StressedClient: Sendable {
    private let plan: StressPlan
    private let state: Mutex<(taken: [[Int]], accepted: [Int: Int])>

    init(_ plan: StressPlan) {
        self.plan = plan
        state = Mutex(([[Int]](repeating: [], count: plan.consumers.count + 1), [:]))
    }

    var takenByTask: [[Int]] { state.withLock { $0.taken } }
    var taken: [Int] { takenByTask.flatMap(\.self) }
    var accepted: [Int: Int] { state.withLock { $0.accepted } }

    func talk(on connection: AsyncPipeConnection, of server: ReactorReference<PipeServer>) async throws {
        var tasks: [(StressPlan.Participant, Task<Void, any Error>)] = []
        for (index, consumer) in plan.consumers.enumerated() {
            tasks.append(
                (
                    consumer,
                    Task(executorPreference: consumer.place.executor(for: connection)) { [self] in
                        try await take(from: connection, index, consumer)
                    }
                ))
        }
        for (index, sender) in plan.senders.enumerated() {
            tasks.append(
                (
                    sender,
                    Task(executorPreference: sender.place.executor(for: connection)) { [self] in
                        try await send(on: connection, index, sender)
                    }
                ))
        }
        var random = Seeded(plan.seed)
        for step in 0...40 {
            for (participant, task) in tasks where participant.cancelledAfter == step { task.cancel() }
            if step == plan.endsAfter { await end(connection, of: server) }
            await random.letOthersRun()
        }
        let watcher = Task { try await connection.waitForEnd() }
        // What no task has taken is taken now: a connection with waiting messages has not come to its end.
        while let message = try? await connection.nextMessage() { note(message, plan.consumers.count) }
        for (_, task) in tasks { _ = await task.result }
        if plan.ending == .peerFinishes { await connection.finishSending() }
        _ = try await watcher.value
    }

    private func end(_ connection: AsyncPipeConnection, of server: ReactorReference<PipeServer>) async {
        switch plan.ending {
        case .peerFinishes, .peerAborts, .peerLeaves: break
        case .ownClose: await connection.close()
        case .ownAbort: await connection.abort()
        case .stop: server.perform { $0.stop() }
        case .gracefulStop: server.perform { $0.stop(gracePeriod: .milliseconds(50)) }
        }
    }

    private func take(
        from connection: AsyncPipeConnection, _ index: Int, _ consumer: StressPlan.Participant
    ) async throws {
        var random = Seeded(consumer.seed)
        try await connection.receiveAll(consumer.manner, &random) { note($0, index) }
    }

    private func note(_ message: PipeMessage, _ index: Int) {
        let (_, number) = number(of: message)
        state.withLock { $0.taken[index].append(number) }
    }

    private func send(
        on connection: AsyncPipeConnection, _ index: Int, _ sender: StressPlan.Participant
    ) async throws {
        var random = Seeded(sender.seed)
        for number in 0..<30 {
            try await connection.send(message(index, number, plan.messageByteCount))
            state.withLock { $0.accepted[index, default: 0] += 1 }
            await random.letOthersRun()
        }
    }
}

extension AsyncPipeConnection {
    /// Receives to the end, and lets others run in between.
    fileprivate nonisolated(nonsending) func receiveAll(
        _ manner: StressPlan.Manner, _ random: inout Seeded, _ note: (PipeMessage) -> Void
    ) async throws {
        switch manner {
        case .iterating:
            for try await message in messages {
                note(message)
                await random.letOthersRun()
            }
        case .oneByOne:
            while let message = try await nextMessage() {
                note(message)
                await random.letOthersRun()
            }
        case .inBatches:
            while try await nextBatch({ note(PipeMessage(copying: $0)) }) { await random.letOthersRun() }
        }
    }
}
