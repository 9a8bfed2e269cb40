// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The number of child processes that may run at a time. A process that outlives its connection keeps its place.
final class ChildPlaces: Sendable {
    private let limit: Int
    private let taken = Mutex(0)

    init(_ limit: Int) { self.limit = limit }

    nonisolated(nonsending) func occupy(_ body: nonisolated(nonsending) () async throws -> Void) async throws {
        let isThere = taken.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
        guard isThere else { throw Failure("refused: \(limit) commands are running (--limit)") }
        defer { taken.withLock { $0 -= 1 } }
        try await body()
    }
}
