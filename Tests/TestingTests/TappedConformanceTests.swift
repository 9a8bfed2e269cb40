// SPDX-License-Identifier: Apache-2.0
import NamedPipesTesting
import Testing

@testable import NamedPipes

/// The kit's histories with taps: a delegate or handler is served as without them.
@Suite struct `A server that is tapped` {
    private var conformance = DelegateConformance(messages: ["ping", "pause"])

    init() { conformance.seeds = 0..<20 }

    /// Answers, broadcasts and publishes, and may have a tap attached or detached at each callback.
    private final class Talkative: PipeServerDelegate {
        private let tap: MessageTap?

        init(toggling tap: MessageTap? = nil) { self.tap = tap }

        private func toggle(_ connection: PipeConnection) {
            guard let tap, let server = connection.server else { return }
            if server.endpoint.taps == nil { _ = server.attach(tap) } else { server.detach(tap) }
        }

        func connectionDidOpen(_ connection: PipeConnection) {
            toggle(connection)
            _ = try? connection.join("room")
        }

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
            toggle(connection)
            _ = try? connection.send(message)
            toggle(connection)
            _ = try? connection.server?.broadcast(message)
            _ = try? connection.publish("news", to: "room")
        }

        func connectionDidDrain(_ connection: PipeConnection) { toggle(connection) }

        func connectionDidFinishReceiving(_ connection: PipeConnection) {
            toggle(connection)
            connection.close()
        }

        func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) { toggle(connection) }
    }

    @Test(arguments: [nil, 1, 2] as [ReactorCount?])
    func `keeps to the contract in every history, and so does its delegate`(workers: ReactorCount?) throws {
        var conformance = conformance
        conformance.workers = workers
        var taps: [MessageTap] = []
        let violations = try conformance.check(server: { _ in Talkative() }) { _, server in
            taps.append(MessageTap(contentLimit: 100))
            #expect(server.attach(taps[taps.count - 1], worker: workers?.value))
        }
        #expect(violations.isEmpty)
        // Most histories have messages in both directions. A second worker has nothing in many of them.
        let seen = taps.map { Set($0.take().messages.map(\.direction)) }
        #expect(seen.count { $0.count == 2 } > taps.count / 10)
    }

    @Test func `keeps to it while taps come and go in its callbacks`() throws {
        let violations = try conformance.check(server: { _ in Talkative(toggling: MessageTap(contentLimit: 100)) })
        #expect(violations.isEmpty)
    }

    @Test(arguments: [false, true]) func `serves handlers as before, whenever a tap comes or goes`(
        inBatches: Bool
    ) throws {
        let violations = try conformance.check { connection in
            let tap = MessageTap(contentLimit: 100)
            let toggle: @Sendable () -> Void = {
                connection.assumeIsolated { connection in
                    connection.withConnection { connection in
                        guard let server = connection.server else { return }
                        if server.endpoint.taps == nil { _ = server.attach(tap) } else { server.detach(tap) }
                    }
                }
            }
            if inBatches {
                while try await connection.nextBatch({ message in
                    toggle()
                    try connection.trySend(message)
                }) { toggle() }
            } else {
                for try await message in connection.messages {
                    toggle()
                    try await connection.send(message)
                }
            }
        }
        #expect(violations.isEmpty)
    }
}
