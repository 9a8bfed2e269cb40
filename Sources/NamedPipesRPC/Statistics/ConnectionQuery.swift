// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// Looks at connections of a server, or of a pool's workers, each on its own thread, some hundreds in a turn, so that a
/// server with many connections is not held up by a question about them.
struct ConnectionQuery: Sendable {
    /// A server, with its number in a pool.
    typealias Place = (worker: Int?, server: ReactorReference<PipeServer>)

    let servers: [Place]

    /// How many connections are looked at in one turn of the loop: about 0.2 ms.
    static let sliceCount = 200

    init(_ server: ReactorReference<PipeServer>) { servers = [(nil, server)] }

    init(_ pool: PipeServerPool) {
        servers = pool.workerServers.enumerated().compactMap { index, server in server.map { (index, $0) } }
    }

    /// The connections that come first, and how many there are; nil if all servers have ended.
    func first(_ count: Int, by order: ConnectionList.Order) async -> (Int, [ConnectionSnapshot])? {
        var total = 0
        var isAlive = false
        var found: [(key: Double, connection: ConnectionSnapshot)] = []
        for (worker, server) in servers {
            guard let ids = await server.ask({ $0.connections.map(\.id) }) else { continue }
            isAlive = true
            total += ids.count
            var rest = ids[...]
            while !rest.isEmpty {
                let slice = rest.prefix(Self.sliceCount)
                rest = rest.dropFirst(slice.count)
                // Those that have ended meanwhile are left out.
                let connections = await server.ask { server in
                    let now = server.timeOfStatistics
                    return slice.compactMap { id in
                        server[id].map { ConnectionSnapshot(of: $0, worker: worker, at: now) }
                    }
                }
                found += (connections ?? []).map { (order.key($0), $0) }
                // Memory stays that of some answers, however many connections there are.
                if found.count > 4 * ConnectionList.maximumCount { found = Self.first(count, of: found) }
            }
        }
        return isAlive ? (total, Self.first(count, of: found).map(\.connection)) : nil
    }

    /// Ends a connection at once.
    ///
    /// - Returns: whether there was one with this identifier; nil if all servers have ended.
    func abort(_ id: String) async -> Bool? {
        var isAlive = false
        for (worker, server) in servers {
            let own = Self.connection(id, ofWorker: worker)
            let ended = await server.ask { server in
                let found = own.flatMap { server[$0] }
                found?.abort()
                return found != nil
            }
            if ended == true { return true }
            isAlive = isAlive || ended != nil
        }
        return isAlive ? false : nil
    }

    /// The identifier that a connection has at its server; nil if it is none's there.
    static func connection(_ id: String, ofWorker worker: Int?) -> PipeConnection.ID? {
        let prefix = worker.map { "\($0)/" } ?? ""
        return id.hasPrefix(prefix) ? PipeConnection.ID(String(id.dropFirst(prefix.count))) : nil
    }

    private static func first(
        _ count: Int, of found: [(key: Double, connection: ConnectionSnapshot)]
    ) -> [(key: Double, connection: ConnectionSnapshot)] {
        let sorted = found.sorted { left, right in
            if left.key != right.key { return left.key > right.key }
            let (first, second) = (left.connection.id, right.connection.id)
            // 2.1 before 10.1.
            return first.utf8.count != second.utf8.count ? first.utf8.count < second.utf8.count : first < second
        }
        return Array(sorted.prefix(count))
    }
}
