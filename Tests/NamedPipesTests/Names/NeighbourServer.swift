// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Synchronization
import Testing

@testable import NamedPipes

/// An echo server on a thread of its own, which looks to another server like one in another process.
final class NeighbourServer: Sendable {
    enum Event: Hashable, Sendable {
        case lost(NameLoss), regained, stopped
    }

    private let thread: ReactorThread
    private let log = Log()

    /// Starts, or throws the error of the start.
    convenience init(at address: PipeAddress, _ configuration: PipeServer.Configuration = .init()) throws {
        try self.init { reactor, delegate in
            try PipeServer(listeningOn: address, configuration: configuration, reactor: reactor, delegate: delegate)
        }
    }

    /// Serves a socket that another process keeps.
    convenience init(inheriting socket: ListenEnvironment.Socket) throws {
        try self.init { reactor, delegate in
            let listener = try #require(try InheritedListener.listeners(at: [socket]).first)
            return try PipeServer(inheriting: listener, reactor: reactor, delegate: delegate)
        }
    }

    private init(
        _ makeServer: @escaping @Sendable (Reactor, any PipeServerDelegate) throws -> PipeServer
    ) throws {
        let log = log
        thread = try ReactorThread { reactor in
            let server = try makeServer(reactor, log)
            log.reference.withLock { $0 = server.reference }
        }
    }

    /// Starts as a successor.
    static func successor(
        at address: PipeAddress, patience: Duration = Loop.patience, grace: Duration = .seconds(5)
    ) throws -> NeighbourServer {
        var configuration = PipeServer.Configuration()
        configuration.existingServer = .takeOver
        configuration.takeOverTimeout = patience
        configuration.handOverGrace = grace
        return try NeighbourServer(at: address, configuration)
    }

    deinit {
        thread.stop()
        thread.join()
    }

    var events: [Event] { log.events.withLock { $0 } }

    var hasStopped: Bool { events.contains(.stopped) }

    func perform(_ body: @escaping @Sendable (PipeServer) -> Void) {
        _ = log.reference.withLock { $0 }?.perform(body)
    }

    private final class Log: PipeServerDelegate, Sendable {
        let events = Mutex<[Event]>([])
        let reference = Mutex<ReactorReference<PipeServer>?>(nil)

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
            _ = try? connection.send(message)
        }

        func server(_ server: PipeServer, didLoseName loss: NameLoss) { events.withLock { $0.append(.lost(loss)) } }
        func serverDidRegainName(_ server: PipeServer) { events.withLock { $0.append(.regained) } }
        func serverDidStop(_ server: PipeServer) { events.withLock { $0.append(.stopped) } }
    }
}
