// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Synchronization

/// What a server's handler waits for while the server's task is cancelled.
enum HandlerWait: CaseIterable {
    case message, batch, turn, end

    /// Waits in vain, for a peer that neither sends nor reads.
    fileprivate func wait(_ connection: AsyncPipeConnection, whenReady begin: () -> Void) async throws {
        switch self {
        case .message:
            begin()
            for try await _ in connection.messages {}
        case .batch:
            begin()
            while try await connection.nextBatch({ _ in }) {}
        case .turn:
            // Full: the next one waits.
            let filler = [UInt8](repeating: 65, count: 50_000)
            while try await connection.send(filler) == .accepted {}
            begin()
            try await connection.send("late")
        case .end:
            begin()
            _ = try await connection.waitForEnd()
        }
    }
}

/// How a handler that waits ends.
final class HandlerWaitRecorder: Sendable {
    private let wait: HandlerWait
    /// Stays connected as long as the recorder exists, so that nothing but the cancellation ends the wait.
    private let peer = Mutex<RawPeer?>(nil)
    private let outcomes = Mutex<[String]>([])
    private let begun: AsyncStream<ReactorExecutor>
    private let begin: AsyncStream<ReactorExecutor>.Continuation

    init(_ wait: HandlerWait) {
        self.wait = wait
        (begun, begin) = AsyncStream.makeStream(of: ReactorExecutor.self)
    }

    /// How the waits ended: with which error, or with none.
    var texts: [String] { outcomes.withLock { $0 } }

    /// The handler.
    func run(_ connection: AsyncPipeConnection) async {
        let text: String
        do {
            try await wait.wait(connection) { begin.yield(connection.executor) }
            text = "no error"
        } catch {
            text = "\(error)"
        }
        outcomes.withLock { $0.append(text) }
    }

    /// Connects, and returns when the handler waits: some turns after it was about to, because a task may need one to
    /// change to the connection's executor.
    func connect(to address: PipeAddress) async throws {
        try peer.withLock { $0 = try RawPeer(connectingTo: address) }
        guard let executor = await begun.first(where: { _ in true }) else { return }
        for _ in 0..<3 { await executor.turn() }
    }
}
