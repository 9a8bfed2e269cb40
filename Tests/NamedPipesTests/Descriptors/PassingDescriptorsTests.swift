// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeReactor
import PipeTestSupport
import Testing

/// A server and a client that speak ``DescriptorFraming``; the server accepts descriptors.
struct PassingPair {
    let pair: Pair

    init(
        _ loop: Loop, _ policy: DescriptorPolicy = .accepted(),
        _ change: (inout PipeConnection.Configuration) -> Void = { _ in }
    ) throws {
        var server = PipeServer.Configuration()
        server.connection.framing = DescriptorFraming()
        server.connection.descriptors = policy
        change(&server.connection)
        var client = PipeClient.Configuration()
        client.connection.framing = DescriptorFraming()
        pair = try Pair(loop, server: server, client: client)
    }

    /// Sends from the client; the descriptors are copies.
    @discardableResult
    func send(_ text: String, _ numbers: [Int32]) throws -> PipeConnection.SendVerdict {
        try NamedPipesTests.send(text, numbers, on: pair.connection)
    }
}

@discardableResult
func send(_ text: String, _ numbers: [Int32], on connection: PipeConnection) throws -> PipeConnection.SendVerdict {
    var outgoing = OutgoingDescriptors()
    for number in numbers { try outgoing.append(duplicating: number) }
    let verdict = try connection.send(text, descriptors: &outgoing)
    #expect(outgoing.count == 0)
    return verdict
}

@Suite struct `A message with descriptors` {
    @Test func `arrives with them, in order, and their kinds are known`() throws {
        try withLoop { loop in
            let passing = try PassingPair(loop)
            let files = try (0..<2).map { try NamelessFile("file \($0)") }
            var texts: [String] = []
            passing.pair.atServer.whenPassed = { _, descriptors in
                while let next = descriptors.takeFirst() { texts.append(NamelessFile.text(of: next.rawValue)) }
            }
            try passing.pair.connection.send("before")
            try passing.send("with", files.map(\.descriptor))
            try passing.pair.connection.send("behind")
            try #require(loop.run { passing.pair.atServer.messageCount == 3 })
            #expect(passing.pair.atServer.texts == ["before", "with", "behind"])
            #expect(passing.pair.atServer.descriptorKinds == [[.file, .file]])
            #expect(texts == ["file 0", "file 1"])
        }
    }

    @Test func `may follow another at once: each gets its own`() throws {
        try withLoop { loop in
            let passing = try PassingPair(loop)
            let files = try (0..<3).map { try NamelessFile("\($0)") }
            var texts: [[String]] = []
            passing.pair.atServer.whenPassed = { _, descriptors in
                var these: [String] = []
                while let next = descriptors.takeFirst() { these.append(NamelessFile.text(of: next.rawValue)) }
                texts.append(these)
            }
            try passing.send("a", [files[0].descriptor])
            try passing.send("b", [files[1].descriptor, files[2].descriptor])
            try passing.pair.connection.send("none")
            try passing.send("c", [files[0].descriptor])
            try #require(loop.run { passing.pair.atServer.messageCount == 4 })
            #expect(passing.pair.atServer.texts == ["a", "b", "none", "c"])
            #expect(texts == [["0"], ["1", "2"], ["0"]])
        }
    }

    @Test func `goes either way, and through a large message that is written in pieces`() throws {
        try withLoop { loop in
            let passing = try PassingPair(loop)
            var client = PipeClient.Configuration()
            client.connection.framing = DescriptorFraming()
            client.connection.descriptors = .accepted()
            let (other, recorder) = loop.client(client)
            try #require(loop.run { recorder.openCount == 1 && passing.pair.atServer.openCount == 2 })
            let file = try NamelessFile("log")
            var inodes: [UInt64] = []
            recorder.whenPassed = { _, descriptors in
                while let next = descriptors.takeFirst() { inodes.append(NamelessFile.inode(of: next.rawValue)) }
            }
            let accepted = try #require(passing.pair.atServer.connections.last)
            let large = letters(1 << 20)
            var outgoing = OutgoingDescriptors()
            for turn in 0..<3 {
                try outgoing.append(duplicating: file.descriptor)
                try accepted.send(large, descriptors: &outgoing)
                try accepted.send("between \(turn)")
            }
            try #require(loop.run(whileGrowing: { recorder.byteCount }) { recorder.messageCount == 6 })
            #expect(inodes == [file.inode, file.inode, file.inode])
            #expect(recorder.messages.filter { $0.count > 100 }.allSatisfy { $0 == large })
            #expect(recorder.reasons.isEmpty)
            withExtendedLifetime(other) {}
        }
    }

    @Test func `can be of any kind`() throws {
        try withLoop { loop in
            let passing = try PassingPair(loop, .accepted(perMessage: 8))
            var pipes: [Int32] = [-1, -1]
            #expect(unsafe pipe(&pipes) == 0)
            let (one, other) = try RawPeer.pair()
            let tcp = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            let udp = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            let root = unsafe open("/", O_RDONLY)
            let null = unsafe open("/dev/null", O_RDWR)
            let watch = inotify_init1(0)
            let kinds: [(Int32, DescriptorKind)] = [
                (pipes[0], .pipe), (one.descriptor, .socket(.stream, isLocal: true)),
                (tcp, .socket(.stream, isLocal: false)), (udp, .socket(.datagram, isLocal: false)),
                (root, .directory), (null, .characterDevice), (watch, .anonymous),
            ]
            try passing.send("all", kinds.map(\.0))
            try #require(loop.run { passing.pair.atServer.messageCount == 1 })
            #expect(passing.pair.atServer.descriptorKinds == [kinds.map(\.1)])
            for number in [pipes[0], pipes[1], tcp, udp, root, null, watch] { close(number) }
            withExtendedLifetime(other) {}
        }
    }

    @Test func `that the delegate does not know arrives as any other, and its descriptors are closed`() throws {
        try withLoop { loop in
            final class Plain: PipeServerDelegate {
                var texts: [String] = []
                func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
                    texts.append(String(decoding: Array(lent: message), as: UTF8.self))
                }
            }
            let plain = Plain()
            var configuration = PipeServer.Configuration()
            configuration.connection.framing = DescriptorFraming()
            configuration.connection.descriptors = .accepted()
            let server = try PipeServer(
                listeningOn: loop.address, configuration: configuration, reactor: loop.reactor, delegate: plain)
            let peer = try RawPeer(connectingTo: loop.address)
            let (one, other) = try RawPeer.pair()
            #expect(peer.write(announcing(1, "take"), passing: one.descriptor) == 9)
            one.close()
            // The last copy of one end is the server's, until it closes it.
            try #require(
                loop.poll {
                    other.readAll(); return other.isAtEnd
                })
            #expect(plain.texts == ["take"])
            #expect(loop.poll { server.endpoint.descriptors?.inFlightCount == 0 })
        }
    }
}

@Suite struct `Descriptors to be sent` {
    @Test func `are untouched where the framing cannot announce them`() throws {
        try withLoop { loop in
            let pair = try Pair(loop)
            var outgoing = OutgoingDescriptors()
            try outgoing.append(duplicating: 2)
            #expect(throws: PipeError.descriptorsNotSent(.framingCannotAnnounce)) {
                try pair.connection.send("x", descriptors: &outgoing)
            }
            #expect(outgoing.count == 1)
            #expect(try pair.connection.pendingByteCount == 0)
        }
    }

    @Test func `are untouched if they are too many, or the message is too large, or the connection is closing`() throws
    {
        try withLoop { loop in
            let passing = try PassingPair(loop)
            let connection = try passing.pair.connection
            var outgoing = OutgoingDescriptors()
            for _ in 0..<254 { try outgoing.append(duplicating: 2) }
            #expect(throws: PipeError.descriptorsNotSent(.tooMany(count: 254, limit: 253))) {
                try connection.send("x", descriptors: &outgoing)
            }
            #expect(outgoing.count == 254)
            var few = OutgoingDescriptors()
            try few.append(duplicating: 2)
            let large = [UInt8](repeating: 0, count: DescriptorFraming.defaultMaximumMessageByteCount + 1)
            let refusal = PipeError.messageTooLarge(byteCount: large.count, limit: large.count - 1)
            #expect(throws: refusal) { try connection.send(large, descriptors: &few) }
            connection.close()
            #expect(throws: PipeError.notConnected(.finished)) { try connection.send("x", descriptors: &few) }
            #expect(few.count == 1)
        }
    }

    @Test func `have to be open`() {
        var outgoing = OutgoingDescriptors()
        #expect(throws: PipeError.system(SystemError(call: "fcntl", code: EBADF))) {
            try outgoing.append(duplicating: 1_000_000)
        }
        #expect(outgoing.count == 0)
    }

    @Test func `wait in a bounded number for a peer that does not read`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.framing = DescriptorFraming()
            let raw = try RawClient(loop, configuration)
            let connection = try raw.accepted
            while connection.pendingByteCount == 0 {
                try connection.send(letters(4000))
                loop.settle()
            }
            var sent = 0
            var outgoing = OutgoingDescriptors()
            while outgoing.isEmpty, sent < 1000 {
                try outgoing.append(duplicating: 2)
                do throws(PipeError) {
                    try connection.send("x", descriptors: &outgoing)
                    sent += 1
                } catch {
                    #expect(error == .descriptorsNotSent(.queueFull(limit: QueuedDescriptorCount.limit)))
                }
            }
            #expect(sent == QueuedDescriptorCount.limit)
            #expect(outgoing.count == 1)
        }
    }

    @Test(arguments: [PipeConnection.SlowReaderPolicy.dropOldest, .keepLatest, .dropNewest])
    func `are closed where the policy drops their message`(policy: PipeConnection.SlowReaderPolicy) throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.framing = DescriptorFraming()
            configuration.connection.slowReaderPolicy = policy
            configuration.connection.sendQueueLimit = 4100
            let raw = try RawClient(loop, configuration)
            let connection = try raw.accepted
            while connection.pendingByteCount == 0 {
                try connection.send(letters(4000))
                loop.settle()
            }
            let ends = try (0..<3).map { _ in try RawPeer.pair() }
            var verdicts: [PipeConnection.SendVerdict] = []
            for (index, end) in ends.enumerated() {
                var outgoing = OutgoingDescriptors()
                try outgoing.append(duplicating: end.0.descriptor)
                end.0.close()
                verdicts.append(try connection.send(letters(3000, seed: index), descriptors: &outgoing))
                #expect(outgoing.count == 0)
            }
            let isClosed = { (index: Int) in
                ends[index].1.readAll()
                return ends[index].1.isAtEnd
            }
            // Dropped at once, or displaced by the last one.
            let dropped = (0..<3).filter { policy == .dropNewest ? verdicts[$0] == .dropped : $0 < 2 }
            #expect(dropped.count >= 2)
            #expect(loop.poll { dropped.allSatisfy(isClosed) })
            let kept = (0..<3).filter { !dropped.contains($0) }
            #expect(!kept.contains(where: isClosed))
            #expect(connection.descriptorTraffic.queued.value == kept.count)
            connection.abort()
            #expect(loop.poll { kept.allSatisfy(isClosed) })
        }
    }

    @Test func `leave with the first byte of their message, once`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.framing = DescriptorFraming()
            let raw = try RawClient(loop, configuration)
            let connection = try raw.accepted
            let file = try NamelessFile()
            let large = String(decoding: letters(400_000), as: UTF8.self)
            try connection.send("first")
            try send(large, [file.descriptor], on: connection)
            try connection.send("second")
            var stream: [UInt8] = []
            var passed: [(place: Int, inodes: [UInt64])] = []
            let whole = announcing(0, "first") + announcing(1, large) + announcing(0, "second")
            try #require(
                loop.poll {
                    while let read = try? raw.peer.readPassed(atMost: 10_000) {
                        if !read.descriptors.isEmpty {
                            passed.append((stream.count, read.descriptors.map(NamelessFile.inode)))
                            read.descriptors.forEach { close($0) }
                        }
                        stream += read.bytes
                    }
                    return stream.count >= whole.count
                })
            #expect(stream == whole)
            #expect(passed.map(\.inodes) == [[file.inode]])
            #expect(passed.allSatisfy { $0.place <= 10 })
            #expect(connection.descriptorTraffic.queued.value == 0)
        }
    }

    @Test func `that the peer's kernel refuses end the connection, typed`() throws {
        try withLoop { loop in
            let passing = try PassingPair(loop, .refused) { $0.framing = DescriptorFraming() }
            guard DescriptorRefusal.isRefusedByKernel else { return }
            try passing.send("x", [2])
            try #require(loop.run { passing.pair.atClient.reasons.count == 1 })
            #expect(passing.pair.atClient.reasons == [.descriptors(.refusedByPeer)])
            #expect(passing.pair.atServer.messageCount == 0)
        }
    }
}
