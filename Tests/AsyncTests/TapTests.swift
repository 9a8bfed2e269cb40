// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite(.timeLimit(.minutes(5))) struct `A tap of a server with tasks` {
    /// How a handler receives and sends.
    enum Manner: CaseIterable {
        case oneByOne, inBatches, elsewhere
    }

    @Sendable private static func handle(_ connection: AsyncPipeConnection, _ manner: Manner) async throws {
        switch manner {
        case .oneByOne: try await echo(connection)
        case .inBatches: while try await connection.nextBatch({ try connection.trySend($0) }) {}
        case .elsewhere: try await withTaskExecutorPreference(OtherThreads.shared) { try await echo(connection) }
        }
    }

    @Test(arguments: Manner.allCases) func `sees what they receive and send, while it is attached`(
        manner: Manner
    ) async throws {
        let tap = MessageTap(contentLimit: 100)
        _ = try await Serving.run(handler: { try await Self.handle($0, manner) }) { serving in
            let peer = try RawPeer(connectingTo: serving.address)
            var count = 0
            for (texts, isTapped) in [(["a"], false), (["one", "two"], true), (["b", "c"], false), (["three"], true)] {
                let isDone = await serving.server.ask { server in
                    if isTapped { return server.attach(tap) }
                    server.detach(tap)
                    return true
                }
                #expect(isDone == true)
                peer.writeAll(texts.flatMap { frame($0) })
                count += texts.count
                let isAnswered = await eventually {
                    peer.readAll()
                    return peer.texts.count == count
                }
                try #require(isAnswered && peer.texts.suffix(texts.count) == texts[...])
                guard isTapped else { continue }
                var seen: [TappedMessage.Direction: [String]] = [:]
                while seen.values.reduce(0, { $0 + $1.count }) < 2 * texts.count, let batch = await tap.next() {
                    for message in batch.messages {
                        let text = String(decoding: batch.content(of: message), as: UTF8.self)
                        seen[message.direction, default: []].append(text)
                    }
                }
                #expect(seen == [.toServer: texts, .toClient: texts])
            }
        }
        // The server has stopped.
        #expect(await tap.next() == nil)
    }
}
