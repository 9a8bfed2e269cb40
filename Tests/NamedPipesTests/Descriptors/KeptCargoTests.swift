// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

/// What a client keeps for its next connection, where descriptors are among it.
@Suite struct `A client that keeps messages` {
    private var configuration: PipeClient.Configuration {
        var configuration = PipeClient.Configuration(framing: DescriptorFraming())
        configuration.unsentMessages = .keep
        configuration.reconnection = PipeClient.Reconnection()
        return configuration
    }

    @Test func `takes none with descriptors while it has no connection, typed, and leaves them alone`() throws {
        try withLoop { loop in
            let client = PipeClient(
                address: loop.address, configuration: configuration, reactor: loop.reactor, delegate: loop.recorder())
            client.connect()
            #expect(try client.send("plain") == .accepted)
            var outgoing = OutgoingDescriptors()
            try outgoing.append(duplicating: 2)
            #expect(throws: PipeError.notConnected(.pending)) {
                try client.send(Array("with".utf8).span, descriptors: &outgoing)
            }
            #expect(outgoing.count == 1 && client.keptMessageCount == 1)
            client.disconnect()
            loop.settle()
        }
    }

    @Test func `sends one that was queued on a lost connection with its descriptors on the next`() throws {
        try withLoop { loop in
            let first = try RawListener(at: loop.address)
            let (client, atClient) = loop.client(configuration)
            try #require(loop.run { atClient.openCount == 1 })
            let peer = try #require(first.accept())
            let connection = try #require(client.connection)
            let large = pattern(100_000)
            while connection.pendingByteCount == 0 {
                try connection.send(large)
                loop.settle()
            }
            let file = try NamelessFile("file")
            try send("with", [file.descriptor], on: connection)
            first.stop()
            var server = PipeServer.Configuration(framing: DescriptorFraming())
            server.connection.descriptors = .accepted()
            let (_, recorder) = try loop.server(server)
            var texts: [String] = []
            recorder.whenPassed = { _, descriptors in
                while let next = descriptors.takeFirst() { texts.append(NamelessFile.text(of: next.rawValue)) }
            }
            peer.close()
            try #require(loop.run { recorder.texts.last == "with" })
            #expect(texts == ["file"] && client.keptMessageCount == 0)
            // Its end removes the file, whosever it is.
            withExtendedLifetime(first) {}
        }
    }
}

@Suite struct `A sender on another thread, with descriptors` {
    @Test func `sends them, and closes what is refused or comes too late`() async throws {
        let thread = try ReactorThread { _ in }
        let address = try PipeAddress.unique(prefix: "cargo")
        let arrived = Arrived()
        let sender = try await withCheckedThrowingContinuation { answer in
            thread.executor.post { reactor in
                do {
                    var server = PipeServer.Configuration(framing: DescriptorFraming())
                    server.connection.descriptors = .accepted()
                    _ = try PipeServer(
                        listeningOn: address, configuration: server, reactor: reactor, delegate: Counting(arrived))
                    let client = PipeClient(
                        address: address, configuration: PipeClient.Configuration(framing: DescriptorFraming()),
                        reactor: reactor, delegate: Opening { answer.resume(returning: $0.sender) })
                    client.connect()
                } catch {
                    answer.resume(throwing: error)
                }
            }
        }
        var outgoing = OutgoingDescriptors()
        try outgoing.append(duplicating: 2)
        try await sender.send([1], descriptors: &outgoing)
        let left = outgoing.count
        #expect(left == 0)
        var more = OutgoingDescriptors()
        try more.append(duplicating: 2)
        try more.append(duplicating: 2)
        sender.post([2], descriptors: more)
        #expect(eventually { arrived.counts == [1, 2] })
        try outgoing.append(duplicating: 2)
        await #expect(throws: PipeError.messageTooLarge(byteCount: 17 << 20, limit: 16 << 20)) {
            var outgoing = OutgoingDescriptors()
            try outgoing.append(duplicating: 2)
            try await sender.send([UInt8](repeating: 0, count: 17 << 20), descriptors: &outgoing)
        }
        thread.stop()
        thread.join()
        do throws(PipeError) {
            try await sender.send([3], descriptors: &outgoing)
            Issue.record("a connection that has ended took a message")
        } catch {
            #expect(error == .notConnected(.ended))
        }
        let kept = outgoing.count
        #expect(kept == 1)
        var late = OutgoingDescriptors()
        let (passed, tracked) = try RawPeer.pair()
        try late.append(duplicating: passed.descriptor)
        passed.close()
        sender.post([4], descriptors: late)
        #expect(
            eventually {
                tracked.readAll()
                return tracked.isAtEnd
            })
        #expect(sender.droppedMessageCount == 1)
    }
}

/// The numbers of descriptors of each message.
private final class Arrived: Sendable {
    private let content = Mutex<[Int]>([])

    var counts: [Int] { content.withLock { $0 } }

    func add(_ count: Int) { content.withLock { $0.append(count) } }
}

private final class Counting: PipeServerDelegate {
    private let arrived: Arrived

    init(_ arrived: Arrived) { self.arrived = arrived }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) { arrived.add(0) }

    func connection(
        _ connection: PipeConnection, didReceive message: Span<UInt8>, descriptors: inout ReceivedDescriptors
    ) {
        arrived.add(descriptors.count)
    }
}

private final class Opening: PipeClientDelegate {
    private let whenOpen: (PipeConnection) -> Void

    init(whenOpen: @escaping (PipeConnection) -> Void) { self.whenOpen = whenOpen }

    func connectionDidOpen(_ connection: PipeConnection) { whenOpen(connection) }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
}
