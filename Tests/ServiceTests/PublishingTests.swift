// SPDX-License-Identifier: Apache-2.0
#if Service
import NamedPipesRPC
import PipeTestSupport
import Synchronization
import Testing

@testable import NamedPipes
@testable import NamedPipesService

/// Joins a group, and says so.
@Sendable private func subscribe(_ connection: AsyncPipeConnection) async throws {
    try await connection.join("news")
    try await connection.send("joined")
    for try await _ in connection.messages {}
}

@Suite struct `A service that publishes` {
    /// What a subscriber receives after its subscription, while the service publishes.
    private func received(
        _ running: Running, _ count: Int, while publish: @escaping @Sendable () async throws -> Void
    ) async throws -> [String?] {
        try await PipeClient.withConnection(to: running.address) { connection in
            _ = try await connection.nextMessage()
            try await publish()
            var texts: [String?] = []
            while texts.count < count, let message = try await connection.nextMessage() {
                texts.append(String(copying: message))
            }
            return texts
        }
    }

    private func service(_ running: Running, _ workers: ReactorCount?) -> PipeService {
        let place = PipeService.Place.address(running.address)
        let (configuration, logger) = (running.configuration, running.journal.logger)
        guard let workers else {
            return PipeService(at: place, configuration: configuration, logger: logger, handler: subscribe)
        }
        return PipeService(
            at: place, workers: .init(count: workers), configuration: configuration, logger: logger,
            handler: subscribe)
    }

    @Test(arguments: [nil, 2] as [ReactorCount?])
    func `reaches the members of a group from any task, while it serves`(_ workers: ReactorCount?) async throws {
        var running = try Running()
        let announce = running
        running.configuration.onPoolEvent = { _, event in if case .listening = event { announce.didListen() } }
        let service = service(running, workers)
        await #expect(throws: PipeError.notListening) { try await service.publish("too early", to: "news") }
        #expect(service.reference == nil && service.pool == nil)
        try await running.run(service) { [running] _ in
            let (hasReference, hasPool) = (service.reference != nil, service.pool != nil)
            #expect(hasReference == (workers == nil))
            #expect(hasPool == (workers != nil))
            let texts = try await received(running, 3) {
                let outcomes = [
                    try await service.publish("rain", to: "news"), try await service.publish([0x68, 0x69], to: "news"),
                    try await service.publish("nobody", to: "others"),
                    try await service.publish("jobDone", ["id": 7], to: "news"),
                ]
                #expect(outcomes.map(\.acceptedCount) == [1, 1, 0, 1])
            }
            #expect(texts == ["rain", "hi", #"{"jsonrpc":"2.0","method":"jobDone","params":{"id":7}}"#])
            await #expect(throws: PipeError.messageTooLarge(byteCount: 17 << 20, limit: 16 << 20)) {
                try await service.publish([UInt8](repeating: 0, count: 17 << 20), to: "news")
            }
        }
        await #expect(throws: PipeError.notListening) { try await service.publish("too late", to: "news") }
        #expect(service.reference == nil && service.pool == nil)
    }

    @Test func `has a reference that says so when the server has ended`() async throws {
        let running = try Running()
        let service = service(running, nil)
        let kept = Mutex<ReactorReference<PipeServer>?>(nil)
        try await running.run(service) { _ in kept.withLock { $0 = service.reference } }
        let reference = try #require(kept.withLock { $0 })
        await #expect(throws: PipeError.notListening) { try await reference.publish("too late", to: "news") }
    }
}
#endif
