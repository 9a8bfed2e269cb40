// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import NamedPipesProgram

/// Serves the clients that the master sends, and answers each message with its own process ID in front. It goes when
/// the master does, once the clients have their answers.
final class Worker: PipeServerDelegate {
    static let option = "--worker"

    private let reactor: Reactor
    private let clients: PipeServer

    /// Begins to serve the connection with which the master has started this program.
    static func start(on reactor: Reactor) throws(PipeError) {
        guard let master = try AcceptedConnection.inherited() else { throw .notConnected(.notBegun) }
        var configuration = PipeServer.Configuration(framing: DescriptorFraming())
        configuration.connection.descriptors = .accepted(perMessage: 1)
        let name = try PipeAddress.abstract("worker-\(getpid())")
        PipeServer(
            adoptingFor: name, configuration: configuration, reactor: reactor, delegate: Worker(name, on: reactor)
        ).adopt(master)
    }

    private init(_ name: PipeAddress, on reactor: Reactor) {
        self.reactor = reactor
        clients = PipeServer(adoptingFor: name, reactor: reactor, delegate: Clerk(reactor))
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}

    func connection(
        _ connection: PipeConnection, didReceive unread: Span<UInt8>, descriptors: inout ReceivedDescriptors
    ) {
        guard let client = descriptors.takeFirst() else { return }
        do {
            clients.adopt(try AcceptedConnection(adopting: client, unreadBytes: [UInt8](copying: unread)))
        } catch {
            PipeProgram.warn("\(error)")
        }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        clients.stop(gracePeriod: .seconds(2))
    }
}

/// Serves one process's clients.
final class Clerk: PipeServerDelegate {
    private let reactor: Reactor

    init(_ reactor: Reactor) { self.reactor = reactor }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        _ = try? connection.send([UInt8]("\(getpid()): ".utf8) + [UInt8](copying: message))
    }

    func serverDidStop(_ server: PipeServer) { reactor.stop() }
}
