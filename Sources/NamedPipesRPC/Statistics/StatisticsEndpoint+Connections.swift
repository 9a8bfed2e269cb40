// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

extension StatisticsEndpoint {
    /// Asks a server for its connections, those that come first in an order. The server looks at some hundreds in each
    /// turn of its loop, so its clients do not notice.
    ///
    /// - Parameters:
    ///   - address: the server's own address.
    ///   - order: which connections come first. The default is ``ConnectionList/Order/queued``.
    ///   - limit: how many to report, 1 to ``ConnectionList/maximumCount``. The default is 100.
    ///   - timeout: for the connection, and for the answer. The default is 5 s.
    ///   - executor: the executor of the reactor to use. The default is nil: a thread is made for the call and ends
    ///     with it.
    /// - Throws: as ``ask(beside:timeout:on:)``; a ``JSONRPCError`` with the code `methodNotFound` if the server is of
    ///   an older version.
    public static func connections(
        beside address: PipeAddress, order: ConnectionList.Order = .queued, limit: Int = 100,
        timeout: Duration = .seconds(5), on executor: ReactorExecutor? = nil
    ) async throws -> ConnectionList {
        let question = ConnectionsQuestion(order: order, limit: limit)
        return try await request("connections", question, beside: address, timeout, on: executor)
    }

    /// Asks a server to end a connection at once. Its owner has to have offered that; see ``Offer/kick``.
    ///
    /// - Parameters:
    ///   - id: the connection's identifier, as in ``ConnectionSnapshot``.
    ///   - address: the server's own address.
    ///   - timeout: for the connection, and for the answer. The default is 5 s.
    ///   - executor: the executor of the reactor to use. The default is nil: a thread is made for the call and ends
    ///     with it.
    /// - Returns: whether there was such a connection.
    /// - Throws: as ``ask(beside:timeout:on:)``; a ``JSONRPCError`` with the code `methodNotFound` if the server does
    ///   not offer that.
    public static func disconnect(
        _ id: String, beside address: PipeAddress, timeout: Duration = .seconds(5), on executor: ReactorExecutor? = nil
    ) async throws -> Bool {
        try await request("disconnect", DisconnectQuestion(id: id), beside: address, timeout, on: executor)
    }

    /// The methods about single connections.
    static func methods(
        offering offer: Offer, since start: ContinuousClock.Instant,
        _ query: @escaping @Sendable () -> ConnectionQuery
    ) -> JSONRPCMethods {
        var methods = JSONRPCMethods()
        methods.handle("connections") { (question: ConnectionsQuestion?, _) in
            let limit = question?.limit ?? 100
            guard 1...ConnectionList.maximumCount ~= limit else {
                throw JSONRPCError(.invalidParams, "limit is 1 to \(ConnectionList.maximumCount)")
            }
            guard let (total, connections) = await query().first(limit, by: question?.order ?? .queued) else {
                throw stopped
            }
            return ConnectionList(
                totalCount: total, seconds: (.now - start) / .seconds(1), connections: connections)
        }
        if offer.contains(.tap) { handleTap(in: &methods, query) }
        guard offer.contains(.kick) else { return methods }
        methods.handle("disconnect") { (question: DisconnectQuestion, _) in
            guard let isEnded = await query().abort(question.id) else { throw stopped }
            return isEnded
        }
        return methods
    }

    private struct ConnectionsQuestion: Codable {
        var order: ConnectionList.Order?
        var limit: Int?
    }

    private struct DisconnectQuestion: Codable {
        var id: String
    }
}
