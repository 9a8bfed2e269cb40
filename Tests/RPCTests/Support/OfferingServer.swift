// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeReactor
import PipeTestSupport
import Synchronization
import Testing

/// An echo server with its statistics, which a test's function talks to.
struct OfferingServer: Sendable {
    let address: PipeAddress

    /// Stops the server alone; its statistics stay.
    let stop: @Sendable () async -> Void
}

/// Runs an echo server, or with several reactors a pool, and its statistics, while a function runs.
func withOfferingServer(
    reactors: Int, offering offer: StatisticsEndpoint.Offer = [],
    _ body: @escaping @Sendable (PipeAddress) async throws -> Void
) async throws {
    try await withStoppableServer(reactors: reactors, offering: offer) { try await body($0.address) }
}

/// The same for a function that may stop the server.
func withStoppableServer(
    reactors: Int, offering offer: StatisticsEndpoint.Offer = [],
    _ body: @escaping @Sendable (OfferingServer) async throws -> Void
) async throws {
    try await withEndpoint { try await serving(reactors: reactors, offering: offer, body) }
}

private func serving(
    reactors: Int, offering offer: StatisticsEndpoint.Offer,
    _ body: @escaping @Sendable (OfferingServer) async throws -> Void
) async throws {
    let address = try PipeAddress.abstract("connections-\(UInt64.random(in: .min ... .max))")
    var configuration = PipeServer.Configuration()
    configuration.connection.keepsStatistics = true
    guard reactors == 1 else {
        let pool = try PipeServerPool(
            listeningOn: address, reactors: ReactorCount(reactors), configuration: configuration
        ) { _ in Echo() }
        return try await ending({ await pool.stop() }) {
            try await beside({ try await StatisticsEndpoint.serve(pool, beside: address, offering: offer) }) {
                try await body(OfferingServer(address: address) { await pool.stop() })
            }
        }
    }
    let made = Mutex<ReactorReference<PipeServer>?>(nil)
    let thread = try ReactorThread(name: "connections") { [configuration] reactor in
        let server = try PipeServer(
            listeningOn: address, configuration: configuration, reactor: reactor, delegate: Echo())
        made.withLock { $0 = server.reference }
    }
    let reference = try #require(made.withLock { $0 })
    try await ending({
        thread.stop()
        thread.join()
    }) {
        try await beside({ try await StatisticsEndpoint.serve(reference, beside: address, offering: offer) }) {
            try await body(OfferingServer(address: address) { reference.perform { $0.stop() } })
        }
    }
}

private func ending(
    _ end: @escaping @Sendable () async -> Void, _ body: @escaping @Sendable () async throws -> Void
) async throws {
    do { try await body() } catch {
        await end()
        throw error
    }
    await end()
}

private func beside(
    _ endpoint: @escaping @Sendable () async throws -> Void, _ body: @escaping @Sendable () async throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await endpoint() }
        try await body()
        group.cancelAll()
    }
}
