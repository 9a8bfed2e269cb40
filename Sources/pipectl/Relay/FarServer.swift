// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// The server to which a relay passes its clients on, over one link if it is at a broker. It belongs to the reactor's
/// thread.
final class FarServer {
    let access: Access
    private let destination: Destination
    private let configuration: PipeClient.Configuration
    private unowned let session: ServerSession

    init(_ destination: Destination, _ configuration: PipeClient.Configuration, for session: ServerSession) throws {
        self.destination = destination
        self.configuration = configuration
        self.session = session
        access = try Access(to: destination, session.reactor)
        access.onTrouble { [log = session.log] in log.complain($0, .link) }
    }

    /// Connects a client with the server, until both directions have ended.
    nonisolated(nonsending) func serve(_ near: AsyncPipeConnection) async throws {
        // All of it is used on the reactor's thread only, as this is.
        nonisolated(unsafe) let (server, counter) = (self, session.counter)
        let outcome: Result<Failure?, any Error>
        do {
            let problem = try await PipeClient.withConnection(configuration, on: near.executor) { far in
                try await RelayedPair(near: near, far: far) { piece, _ in unsafe counter.count(piece.byteCount) }.run()
            } _: { configuration, reactor, delegate in
                unsafe server.destination.makeClient(over: server.access, configuration, reactor, delegate)
            }
            outcome = .success(problem)
        } catch {
            outcome = .failure(error)
        }
        let reason = await near.close()
        unsafe counter.count(reason, of: "\(near)")
        if let problem = try outcome.get() { throw problem }
    }
}
