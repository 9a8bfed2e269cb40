// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

#if NATS
internal import NamedPipesNATS
#endif

/// What is visible of a server at a broker: it has opened a session. The broker says nothing else of it.
struct SessionReport: Encodable {
    let address: String
    /// What the server calls itself, which proves nothing.
    let claimedName: String
    /// From the request to the open session, with the link's own connection the first time.
    let seconds: Double

    var text: String {
        "\(address)\n  server   calls itself \(printable(claimedName).debugDescription)\n"
            + "  session  open after \(decimal(seconds * 1000)) ms\n"
    }
}

#if NATS
extension Destination {
    /// Opens a session with one server of the group, and closes it.
    func sessionReport(timeout: Duration?, on executor: ReactorExecutor) async throws -> SessionReport {
        var configuration = PipeClient.Configuration()
        configuration.connectTimeout = timeout
        let start = SuspendingClock.now
        let (name, seconds) = try await withConnection(configuration, on: executor) { connection in
            let seconds = (SuspendingClock.now - start) / .seconds(1)
            return (await connection.withConnection { $0.natsPeer?.claimedName ?? "" }, seconds)
        }
        return SessionReport(address: description, claimedName: name, seconds: seconds)
    }
}
#else
extension Destination {
    /// There is no other destination than a local one in this build.
    func sessionReport(timeout: Duration?, on executor: ReactorExecutor) async throws -> SessionReport {
        preconditionFailure("\(self) is a local name")
    }
}
#endif
