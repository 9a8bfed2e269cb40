// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

/// What a handler has told, from any thread.
private final class Told: Sendable {
    private let content = Mutex<[String]>([])

    var texts: [String] { content.withLock { $0 } }

    func add(_ text: String) { content.withLock { $0.append(text) } }
}

/// What is left of a connection.
private final class Left: Sendable {
    private let content = Mutex<(unread: [UInt8], descriptor: Int32)>(([], -1))

    var unread: [UInt8] { content.withLock { $0.unread } }
    var descriptor: Int32 { content.withLock { $0.descriptor } }

    func put(_ unread: [UInt8], _ descriptor: Int32) { content.withLock { $0 = (unread, descriptor) } }
}

private nonisolated(nonsending) func leave(_ connection: AsyncPipeConnection, _ left: Left, _ told: Told) async throws {
    let hello = try await connection.nextMessage()
    told.add(hello.flatMap { String(copying: $0) } ?? "nothing")
    try await connection.send("to whom it may concern")
    let detached = try await connection.detach()
    let unread = detached.unreadBytes
    left.put(unread, detached.takeDescriptor())
    #expect(await connection.endReason == .detached)
    let next = try await connection.nextMessage()
    #expect(next == nil)
    await #expect(throws: PipeError.disconnected(.detached)) { try await connection.send("too late") }
    await #expect(throws: PipeError.disconnected(.detached)) { _ = try await connection.detach() }
}

/// The same on a thread other than the reactor's.
@concurrent private func leaveElsewhere(_ connection: AsyncPipeConnection, _ left: Left, _ told: Told) async throws {
    try await leave(connection, left, told)
}

@Suite struct `A connection that a task detaches` {
    /// One write, so that all of it has arrived when the first message is received.
    private static let bytes = frame("hello") + frame("one") + frame("two") + Array(frame("three").prefix(6))

    /// Without deadlines for the last message: a task may have to wait long for a thread.
    private static var configuration: PipeServer.Configuration {
        var configuration = PipeServer.Configuration()
        configuration.connection.frameDeadline = nil
        configuration.connection.writeStallDeadline = nil
        return configuration
    }

    @Test(arguments: [false, true])
    func `takes along what has arrived, and no byte is lost or repeated`(isElsewhere: Bool) async throws {
        let (left, told) = (Left(), Told())
        let (events, _) = try await Serving.run(Self.configuration) { connection in
            guard isElsewhere else { return try await leave(connection, left, told) }
            try await leaveElsewhere(connection, left, told)
        } while: { serving in
            let peer = try RawPeer(connectingTo: serving.address)
            peer.writeAll(Self.bytes)
            // The event comes first: the handler may be on another thread.
            #expect(
                await eventually { serving.events.texts.contains("disconnected detached") && left.descriptor >= 0 })
            let next = RawPeer(taking: left.descriptor)
            peer.writeAll(frame("three").dropFirst(6))
            next.readAll()
            let expected = [UInt8](Self.bytes.dropFirst(9)) + [UInt8](frame("three").dropFirst(6))
            #expect(left.unread + next.received == expected)
            next.writeAll(frame("welcome"))
            peer.readAll()
            #expect(peer.texts == ["to whom it may concern", "welcome"])
            return serving.events
        }
        #expect(told.texts == ["hello"] && events.failures.isEmpty)
    }

    @Test func `ends with its messages in place if the peer does not take what is queued`() async throws {
        var configuration = Self.configuration
        configuration.connection.closeTimeout = .milliseconds(20)
        let told = Told()
        let (_, _) = try await Serving.run(configuration) { connection in
            for try await hello in connection.messages {
                told.add(String(copying: hello) ?? "")
                try await connection.send([UInt8](repeating: 7, count: 900_000))
                do throws(PipeError) {
                    _ = try await connection.detach()
                } catch {
                    told.add("\(error == .disconnected(.slowReader))")
                }
                break
            }
            while let message = try await connection.nextMessage() { told.add(String(copying: message) ?? "") }
        } while: { serving in
            let peer = try RawPeer(connectingTo: serving.address)
            peer.writeAll(Self.bytes)
            #expect(await eventually { told.texts.count == 4 })
        }
        #expect(told.texts == ["hello", "true", "one", "two"])
    }

    @Test func `stays while descriptors wait in a message, or if it is a client's`() async throws {
        var server = PipeServer.Configuration(framing: DescriptorFraming())
        server.connection.descriptors = .accepted()
        let told = Told()
        let (_, _) = try await Serving.run(server) { connection in
            let hello = try await connection.nextMessage()
            told.add(hello.flatMap { String(copying: $0) } ?? "nothing")
            // Until both have arrived.
            while await connection.withConnection({ $0.server?.statistics.receivedMessageCount ?? 2 }) < 2 {
                await connection.executor.turn()
            }
            await #expect(throws: PipeError.cannotDetach(.holdsDescriptors)) { _ = try await connection.detach() }
            let message = try #require(try await connection.nextMessage())
            told.add(String(copying: message) ?? "")
            let descriptors = message.takeDescriptors()
            let count = descriptors.count
            #expect(count == 1)
            try await connection.send("done")
            _ = try await connection.detach()
            told.add("detached")
        } while: { serving in
            var client = PipeClient.Configuration(framing: DescriptorFraming())
            client.connection.closeTimeout = .seconds(10)
            try await PipeClient.withConnection(to: serving.address, configuration: client) { connection in
                await #expect(throws: PipeError.cannotDetach(.belongsToClient)) { _ = try await connection.detach() }
                try await connection.send("hello")
                var outgoing = OutgoingDescriptors()
                try outgoing.append(duplicating: 2)
                try await connection.send(Array("with".utf8), descriptors: &outgoing)
                _ = try await connection.nextMessage()
            }
        }
        #expect(told.texts == ["hello", "with", "detached"])
    }
}
