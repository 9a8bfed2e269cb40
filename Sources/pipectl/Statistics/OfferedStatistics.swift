// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesRPC

/// A server's own statistics; nil if it offers none, or none to this user.
///
/// - Parameters:
///   - address: the server's own address.
///   - timeout: for the connection, and for the answer; nil is for ever.
nonisolated(nonsending) func offeredStatistics(
    beside address: PipeAddress, timeout: Duration?, on executor: ReactorExecutor
) async throws -> ServerSnapshot? {
    do {
        return try await StatisticsEndpoint.ask(
            beside: address, timeout: timeout ?? .seconds(1_000_000_000), on: executor)
    } catch PipeError.noServer, PipeError.accessDenied, PipeError.disconnected, PipeError.closedUnanswered,
        PipeError.invalidAddress, JSONRPCRequestFailure.connectionEnded, JSONRPCRequestFailure.closedUnanswered
    {
        return nil
    }
}
