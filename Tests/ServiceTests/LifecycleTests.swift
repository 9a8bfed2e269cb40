// SPDX-License-Identifier: Apache-2.0
#if Service
import Glibc
import Logging
import NamedPipesService
import PipeTestSupport
import ServiceLifecycle
import ServiceLifecycleTestKit
import Testing

@testable import NamedPipes

private final class Shouter: PipeServerDelegate {
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        _ = try? connection.send((String(copying: message) ?? "").uppercased())
    }
}

@Suite struct `A pipe service` {
    @Test func `serves until its group shuts down`() async throws {
        let running = try Running()
        try await running.run { _ in
            let answer = try await ask(running.address, "hello")
            #expect(answer == "hello")
        }
        await #expect(throws: PipeError.noServer(running.address)) { try await ask(running.address, "hello") }
        #expect(running.journal.lines.first == "info listening")
        #expect(running.journal.lines.last == "info stopped")
    }

    @Test func `answers what has arrived before it stops`() async throws {
        let running = try Running()
        let gate = Gate()
        try await running.run { connection in
            await gate.pass()
            try await echo(connection)
        } while: { group in
            let peer = try RawPeer(connectingTo: running.address)
            for number in UInt8(0)..<50 { peer.writeAll([0, 0, 0, 1, number]) }
            #expect(await eventually { running.journal.lines.contains("debug connected") })
            await group.triggerGracefulShutdown()
            #expect(await eventually { running.journal.lines.contains("info shutting down") })
            gate.open()
            #expect(
                await eventually {
                    peer.readAll()
                    return peer.isAtEnd
                })
            #expect(peer.received.count == 50 * 5)
        }
        #expect(running.journal.metadata("info stopped")?["pipe.sent"] == "50")
    }

    @Test func `ends connections that do not end in time, and reports it`() async throws {
        var running = try Running()
        running.configuration.shutdownGrace = .milliseconds(50)
        try await running.run { connection in
            // Never comes.
            _ = try await connection.waitForEnd()
        } while: { [running] group in
            let peer = try RawPeer(connectingTo: running.address)
            #expect(await eventually { running.journal.lines.contains("debug connected") })
            await group.triggerGracefulShutdown()
            #expect(await eventually { running.journal.lines.last == "notice stopped" })
            peer.close()
        }
        #expect(running.journal.metadata("notice stopped")?["pipe.forced"] == "1")
    }

    @Test func `that is told to stop before it has begun serves no client`() async throws {
        let running = try Running()
        try await testGracefulShutdown { trigger in
            trigger.triggerGracefulShutdown()
            try await PipeService(
                at: .address(running.address), configuration: running.configuration, logger: running.journal.logger,
                handler: echo
            ).run()
        }
        #expect(running.journal.lines.first == "info shutting down")
        #expect(running.journal.lines.last == "info stopped")
        await #expect(throws: PipeError.noServer(running.address)) { try await ask(running.address, "hello") }
    }

    @Test func `stops at once when it is cancelled`() async throws {
        let running = try Running()
        let service = PipeService(
            at: .address(running.address), configuration: running.configuration, logger: running.journal.logger
        ) { connection in _ = try await connection.waitForEnd() }
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            #expect(await eventually { running.journal.lines.contains("info listening") })
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
    }

    @Test func `serves with a delegate, on a reactor that it does not own`() async throws {
        let running = try Running()
        let thread = try ReactorThread { _ in }
        let service = PipeService(
            at: .address(running.address), configuration: running.configuration, logger: running.journal.logger,
            on: thread.executor
        ) { _ in Shouter() }
        try await running.run(service) { _ in
            let answer = try await ask(running.address, "hello")
            #expect(answer == "HELLO")
            #expect(await eventually { running.journal.lines.contains("debug disconnected") })
        }
        #expect(
            running.journal.lines == [
                "info listening", "debug connected", "debug disconnected", "info shutting down",
                "debug all connections have ended", "info stopped",
            ])
    }

    @Test func `with a delegate stops at once when it is cancelled`() async throws {
        let running = try Running()
        let service = PipeService(
            at: .address(running.address), configuration: running.configuration, logger: running.journal.logger,
            makeDelegate: { _ in Shouter() })
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            #expect(await eventually { running.journal.lines.contains("info listening") })
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
    }

    @Test func `throws where it cannot have its name`() async throws {
        let running = try Running()
        try await running.run { _ in
            let second = PipeService(
                at: .address(running.address), configuration: running.configuration, logger: running.journal.logger,
                handler: echo)
            await #expect(throws: PipeError.self) { try await second.run() }
        }
    }

    @Test func `serves a socket that the service manager has made`() async throws {
        let running = try Running()
        let socket = try RawListener(at: running.address)
        let descriptor = dup(socket.descriptor)
        let listener = try #require(
            try InheritedListener.listeners(at: [.init(descriptor: descriptor, name: "echo")]).first)
        let service = PipeService(
            at: .inherited(listener), configuration: running.configuration, logger: running.journal.logger,
            handler: echo)
        try await running.run(service) { _ in
            let answer = try await ask(running.address, "hello")
            #expect(answer == "hello")
        }
        #expect(running.journal.metadata("info listening")?["pipe.address"] == "\(running.address)")
    }

    @Test func `notifies the service manager when it is ready and when it stops`() async throws {
        let directory = try FreshDirectory()
        let manager = try RawManager(at: directory.address("notify"))
        var running = try Running()
        running.configuration.notifier = ServiceNotifier(address: try directory.address("notify"))
        try await running.run { _ in }
        #expect(manager.nextText() == "READY=1\nSTATUS=listening on \(running.address)")
        #expect(manager.nextText() == "STOPPING=1")
        #expect(manager.nextText() == nil)
    }

    @Test func `ends when a successor has taken its name over`() async throws {
        let running = try Running()
        var successor = running.configuration
        successor.server.existingServer = .takeOver
        let place = PipeService.Place.address(running.address)
        let first = PipeService(
            at: place, configuration: running.configuration, logger: running.journal.logger, handler: echo)
        let second = PipeService(at: place, configuration: successor, logger: Journal(.critical).logger, handler: echo)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await first.run() }
            #expect(await eventually { running.journal.lines.contains("info listening") })
            group.addTask { try await second.run() }
            // The first to end is the one that was served before.
            _ = try await group.next()
            #expect(running.journal.lines.contains("warning the name is lost"))
            #expect(running.journal.lines.last == "info stopped")
            let answer = try await ask(running.address, "hello")
            #expect(answer == "hello")
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
    }
}
#endif
