// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

/// An echo server on a thread of its own, which to another server is what one in another process is.
final class NeighbourServer: Sendable {
    enum Event: Hashable, Sendable {
        case lost(NameLoss), regained, stopped
    }

    private let thread: ReactorThread
    private let log = Log()

    /// Starts, or throws what starting failed with.
    init(at address: PipeAddress, _ configuration: PipeServer.Configuration = .init()) throws {
        let log = log
        thread = try ReactorThread { reactor in
            let server = try PipeServer(
                listeningOn: address, configuration: configuration, reactor: reactor, delegate: log)
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
