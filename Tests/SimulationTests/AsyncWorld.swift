// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport

@testable import NamedPipes

/// Connections whose messages tasks take, on a real reactor, turned by hand: peers write frames in any cuts, finish and
/// vanish, while a task takes messages one by one, by iteration and in batches, in any change of these, answers, lets
/// turns pass, is cancelled, and is followed by another task. All tasks run on the reactor's thread, and so in an order
/// that the seed decides.
final class AsyncWorld: AsyncConnectionDelegate, ReactorWorld {
    private var random: Seeded
    let reactor: Reactor
    private let endpoint: Endpoint
    private var talks: [PipeConnection.ID: Talk] = [:]
    private var order: [PipeConnection.ID] = []
    private(set) var problems: [String] = []

    init(_ seed: UInt64) throws {
        random = Seeded(seed)
        reactor = try Reactor()
        var configuration = PipeConnection.Configuration()
        configuration.framing = random.pick([LengthPrefixFraming(), DelimiterFraming.newline, ContentLengthFraming()])
        configuration.unreadByteLimit = random.pick([1, 4000, 60_000, 256 << 10])
        configuration.messagesPerTurn = random.pick([1, 2, 5, 4096])
        configuration.highWaterMark = random.pick([1000, 20_000, 1 << 20])
        configuration.lowWaterMark = configuration.highWaterMark / 2
        configuration.pausesReceivingAboveHighWaterMark = random.isOne(of: 2)
        endpoint = Endpoint(reactor, configuration, Silence())
        super.init()
        endpoint.setDelegate(self)
    }

    func live() throws {
        for _ in 0..<random.number(1...3) { try open() }
        for _ in 0..<random.number(5...60) {
            try act()
            if random.isOne(of: 2) { turn() }
        }
        settle()
        for id in order { problems += (talks[id]?.problems ?? []).map { "\(id): \($0)" } }
        talks = [:]
        endpoint.setDelegate(Silence())
        // The last continuations of the tasks.
        turn()
    }

    private func turn() {
        var wasTurned = false
        reactor.run(timeout: .zero) {
            defer { wasTurned = true }
            return wasTurned
        }
        if let problem = endpoint.accountsProblem { problems.append(problem) }
        for id in order { talks[id]?.check() }
    }

    private func open() throws {
        guard let ends = SocketPair() else { return problems.append("no socket pair") }
        let connection = ends.connection(of: endpoint)
        let talk = Talk(ends.far, endpoint.framing, random.number(0...1 << 40))
        talks[connection.id] = talk
        order.append(connection.id)
        try connection.start()
        connection.didOpen()
    }

    override func didOpen(_ connection: AsyncPipeConnection) { talks[connection.id]?.begin(connection) }

    override func didEnd(_ connection: PipeConnection, _ reason: DisconnectReason) {
        talks[connection.id]?.endReason = reason
    }

    private func act() throws {
        guard let talk = talks[random.pick(order)], !talk.isPeerGone else { return }
        switch random.number(0...9) {
        case 0...3:
            for _ in 0..<random.number(1...6) { try talk.prepare(random.message()) }
        case 4...6: talk.write(atMost: random.pick([1, 3, 50, 5000, 100_000]))
        case 7: talk.peer.read(atMost: random.pick([1, 100, 10_000, 200_000]))
        case 8: if random.isOne(of: 3) { talk.restart() }
        default: if random.isOne(of: 8) { talk.leave() }
        }
    }

    /// Every peer that is still there sends the rest, gets its answers, and finishes.
    private func settle() {
        for _ in 0..<3000 where order.contains(where: { talks[$0]?.isDone == false }) {
            for id in order { talks[id]?.settle() }
            turn()
        }
        for id in order { if let talk = talks[id], !talk.isDone { talk.problems.append("never ended") } }
    }
}

/// One connection, its tasks, its peer, and what each has promised the other.
private final class Talk {
    let peer: RawPeer
    var problems: [String] = []
    var endReason: DisconnectReason?
    private(set) var isPeerGone = false
    private let framing: any MessageFraming
    private var random: Seeded
    private var connection: AsyncPipeConnection?
    private var task: Task<Void, Never>?
    /// Tasks that have begun and not ended.
    private var taskCount = 0
    private var sent: [[UInt8]] = []
    private var unwritten: ArraySlice<UInt8> = []
    private var hasFinished = false
    private var taken: [[UInt8]] = []
    private var answers: [[UInt8]] = []
    /// How many answers the peer has read, and how many bytes these were.
    private var arrivedCount = 0
    private var comparedByteCount = 0
    private var hasTakenAll = false

    init(_ peer: RawPeer, _ framing: any MessageFraming, _ seed: Int) {
        self.peer = peer
        self.framing = framing
        random = Seeded(UInt64(seed))
    }

    var isDone: Bool { endReason != nil && taskCount == 0 }

    // MARK: - The peer

    func prepare(_ message: [UInt8]) throws {
        guard !hasFinished else { return }
        sent.append(message)
        unwritten += try framing.encoded(message.span)
    }

    func write(atMost limit: Int) {
        guard !isPeerGone, !unwritten.isEmpty else { return }
        unwritten = unwritten.dropFirst(max(0, peer.write(unwritten.prefix(limit))))
    }

    func leave() {
        isPeerGone = true
        peer.close()
    }

    func settle() {
        write(atMost: 100_000)
        if !isPeerGone { peer.readAll() }
        if unwritten.isEmpty, !hasFinished, !isPeerGone {
            hasFinished = true
            peer.finishWriting()
        }
        if taskCount == 0, !hasTakenAll, endReason == nil { restart() }
    }

    // MARK: - The tasks

    func begin(_ connection: AsyncPipeConnection) {
        self.connection = connection
        restart()
    }

    /// A task that ends now, or at its next wait, is followed by another one.
    func restart() {
        task?.cancel()
        guard let connection, endReason == nil, !hasTakenAll else { return }
        taskCount += 1
        // All of it runs on the reactor's thread.
        nonisolated(unsafe) let talk = self
        let last = task
        task = Task(executorPreference: connection.executor) {
            await last?.value
            do { try await unsafe talk.take(on: connection) } catch { unsafe talk.didFail(error) }
            unsafe talk.taskCount -= 1
        }
    }

    private struct Enough: Error {}

    private nonisolated(nonsending) func take(on connection: AsyncPipeConnection) async throws {
        while true {
            try Task.checkCancellation()
            switch random.number(0...5) {
            case 0:
                guard let message = try await connection.nextMessage() else { break }
                note(message.withBytes { Array(copying: $0) }, on: connection)
                continue
            case 1:
                var isEnough = false
                for try await message in connection.messages {
                    note(message.withBytes { Array(copying: $0) }, on: connection)
                    isEnough = random.isOne(of: 3)
                    if isEnough { break }
                }
                if isEnough { continue }
            case 2:
                for _ in 0..<random.number(1...3) { await connection.executor.turn() }
                continue
            default:
                do {
                    let isBatch = try await connection.nextBatch { message in
                        note(Array(copying: message), on: connection)
                        if random.isOne(of: 5) { throw Enough() }
                    }
                    if isBatch { continue }
                } catch is Enough {
                    continue
                }
            }
            // The peer sends no more.
            hasTakenAll = true
            return await connection.withConnection { $0.close() }
        }
    }

    private func note(_ message: [UInt8], on connection: AsyncPipeConnection) {
        if taken.count == sent.count || sent[taken.count] != message { problems.append("\(taken.count) is another") }
        taken.append(message)
        guard !random.isOne(of: 4) else { return }
        do {
            try connection.trySend(message)
            answers.append(message)
        } catch {
            if !isPeerGone { problems.append("trySend: \(error)") }
        }
    }

    private func didFail(_ error: any Error) {
        if error is CancellationError { return }
        if case PipeError.disconnected = error, isPeerGone { return }
        problems.append("\(error)")
    }

    // MARK: - The model

    /// What holds at any time; and at the end, that nothing was lost.
    func check() {
        if isDone, !isPeerGone { peer.readAll() }
        takeAnswers()
        guard isDone, !isPeerGone, problems.isEmpty else { return }
        if taken.count != sent.count { problems.append("\(taken.count) of \(sent.count) messages were taken") }
        if arrivedCount != answers.count { problems.append("\(arrivedCount) of \(answers.count) answers arrived") }
    }

    /// Compares the whole messages that the peer has read since the last call.
    private func takeAnswers() {
        let bytes = Array(peer.received[comparedByteCount...])
        do {
            let walk = try framing.scanFrames(in: bytes.span, scannedByteCount: 0) { message in
                if arrivedCount == answers.count || answers[arrivedCount] != Array(lent: message) {
                    problems.append("answer \(arrivedCount) is another")
                }
                arrivedCount += 1
                return true
            }
            comparedByteCount += walk.consumedByteCount
        } catch {
            problems.append("\(error)")
        }
    }
}
