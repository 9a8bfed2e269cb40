// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct `78 · A client whose loop is held past the time limit` {
    final class Meeting: Sendable {
        let isHeld = Atomic(false)
        let hasReplied = Atomic(false)

        /// Holds the client's thread until the reply has been sent and the time limit is over.
        func hold(for time: Duration) {
            let end = ContinuousClock.now + time
            isHeld.store(true, ordering: .releasing)
            while !hasReplied.load(ordering: .acquiring) || ContinuousClock.now < end { sched_yield() }
        }
    }

    @Test func `has the reply that arrived meanwhile`() async throws {
        let meeting = Meeting()
        try await Conversation().serve { connection in
            for try await message in connection.messages {
                guard let text = String(copying: message), text.contains(#""method":"ask""#) else { continue }
                while !meeting.isHeld.load(ordering: .acquiring) { await Task.yield() }
                let id = text.split(separator: #""id":"#).last?.prefix { $0.isNumber } ?? ""
                try await connection.send(#"{"jsonrpc":"2.0","id":\#(id),"result":5}"#)
                while await connection.pendingByteCount > 0 { await Task.yield() }
                meeting.hasReplied.store(true, ordering: .releasing)
            }
        } while: { address in
            let limit = Duration.milliseconds(300)
            try await PipeClient.withConnection(to: address) { connection in
                try await JSONRPCPeer.run(on: connection) { peer in
                    let request = Task { try await peer.request("ask", timeout: limit) as Int }
                    while await peer.pendingRequestCount == 0 { await Task.yield() }
                    // The request leaves at the end of the turn.
                    while await connection.pendingByteCount > 0 { await Task.yield() }
                    let wasInTime = await peer.hold(meeting, limit * 2)
                    // If the machine stalled before the loop was held, there is nothing to see.
                    guard wasInTime else { return request.cancel() }
                    let reply = try await request.value
                    #expect(reply == 5)
                }
            }
        }
    }
}

extension JSONRPCPeer {
    /// - Returns: whether the request waited for its reply when the loop began to be held.
    fileprivate func hold(_ meeting: `78 · A client whose loop is held past the time limit`.Meeting, _ time: Duration)
        -> Bool
    {
        let isWaiting = pendingRequestCount == 1
        meeting.hold(for: time)
        return isWaiting
    }
}
