// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeReactor
import PipeTestSupport
import Testing

/// A server that accepts descriptors, and a plain socket that is connected to it.
private func rawClient(_ loop: Loop, _ policy: DescriptorPolicy = .accepted()) throws -> RawClient {
    var configuration = PipeServer.Configuration()
    configuration.connection.framing = DescriptorFraming()
    configuration.connection.descriptors = policy
    return try RawClient(loop, configuration)
}

/// Both ends of a socket pair: one to be passed, the other tells when the last copy of the first is closed.
private final class Tracked {
    let passed: RawPeer
    let other: RawPeer

    init() throws { (passed, other) = try RawPeer.pair() }

    /// Gives our copy up.
    func forget() { passed.close() }

    var isClosed: Bool {
        other.readAll()
        return other.isAtEnd
    }
}

@Suite struct `90 · Descriptors other than announced` {
    private func expectEnd(
        _ problem: DescriptorProblem, texts: [String], _ loop: Loop, _ raw: RawClient, _ tracked: [Tracked]
    ) throws {
        tracked.forEach { $0.forget() }
        try #require(loop.run { raw.recorder.reasons.count == 1 })
        #expect(raw.recorder.reasons == [.descriptors(problem)])
        #expect(raw.recorder.texts == texts)
        #expect(loop.poll { tracked.allSatisfy(\.isClosed) }, "a descriptor stays open")
        #expect(loop.poll { raw.server.endpoint.descriptors?.inFlightCount ?? 0 == 0 })
        // No other connection notices.
        let other = try RawPeer(connectingTo: loop.address)
        other.writeAll(announcing(0, "other"))
        #expect(loop.run { raw.recorder.texts.last == "other" })
    }

    @Test func `91 · fewer end the connection, typed, after the messages before`() throws {
        try withLoop { loop in
            let raw = try rawClient(loop)
            let tracked = try Tracked()
            raw.peer.writeAll(announcing(0, "before"))
            #expect(raw.peer.write(announcing(2, "x"), passing: tracked.passed.descriptor) == 6)
            try expectEnd(.fewerThanAnnounced(announced: 2, received: 1), texts: ["before"], loop, raw, [tracked])
        }
    }

    @Test func `91 · none where some are announced end the connection, also where none may be sent`() throws {
        for policy in [DescriptorPolicy.accepted(), .refused, .accepted(from: .users([12345]))] {
            try withLoop { loop in
                let raw = try rawClient(loop, policy)
                raw.peer.writeAll(announcing(1, "x"))
                try expectEnd(.fewerThanAnnounced(announced: 1, received: 0), texts: [], loop, raw, [])
            }
        }
    }

    @Test func `92 · more end the connection, typed, after their message`() throws {
        try withLoop { loop in
            let raw = try rawClient(loop)
            let tracked = try (0..<3).map { _ in try Tracked() }
            let numbers = tracked.map(\.passed.descriptor)
            #expect(raw.peer.write(announcing(1, "x"), passing: numbers) == 6)
            try expectEnd(.moreThanAnnounced(surplus: 2), texts: ["x"], loop, raw, tracked)
        }
    }

    @Test func `92 · more than one message may carry, without a whole frame, end it, too`() throws {
        try withLoop { loop in
            let raw = try rawClient(loop)
            let tracked = try (0..<5).map { _ in try Tracked() }
            #expect(raw.peer.write([0, 0], passing: tracked.map(\.passed.descriptor)) == 2)
            try expectEnd(.moreThanAnnounced(surplus: 1), texts: [], loop, raw, tracked)
        }
    }

    @Test func `93 · above the limit of a message end it`() throws {
        try withLoop { loop in
            let raw = try rawClient(loop, .accepted(perMessage: 2))
            let tracked = try (0..<3).map { _ in try Tracked() }
            #expect(raw.peer.write(announcing(3, "x"), passing: tracked.map(\.passed.descriptor)) == 6)
            try expectEnd(.messageLimit(count: 3, limit: 2), texts: [], loop, raw, tracked)
        }
    }

    @Test func `93 · 253 in one call exceed the limit of a connection, and 254 are impossible`() throws {
        try withLoop { loop in
            let raw = try rawClient(loop)
            let tracked = try Tracked()
            let many = [Int32](repeating: tracked.passed.descriptor, count: 253)
            #expect(raw.peer.write(announcing(253, "x"), passing: many + [2]) == -Int(EINVAL))
            #expect(raw.peer.write(announcing(253, "x"), passing: many) == 6)
            try expectEnd(.connectionLimit(16), texts: [], loop, raw, [tracked])
        }
        try withLoop { loop in
            let raw = try rawClient(loop)
            raw.peer.writeAll([0, 0, 0, 1, 254])
            try #require(loop.run { raw.recorder.reasons.count == 1 })
            #expect(raw.recorder.reasons == [.framing(.tooManyDescriptors(count: 254, limit: 253))])
        }
    }

    @Test func `94 · cut anywhere are the same messages with the same descriptors`() throws {
        let file = try NamelessFile("file")
        let stream = announcing(0, "a") + announcing(1, "bb") + announcing(2, "") + announcing(0, "c")
        // The bytes with which the descriptors of the second and third frame are sent: the first or a later one.
        for (first, second) in [(6, 13), (8, 15), (12, 17)] {
            for cut in [first + 1, second + 1, second + 2, stream.count] where cut <= stream.count {
                try withLoop { loop in
                    let raw = try rawClient(loop)
                    var counts: [Int] = []
                    raw.recorder.whenPassed = { _, descriptors in counts.append(descriptors.count) }
                    let places = Set([0, first, second, cut, stream.count]).sorted()
                    for (from, to) in zip(places, places.dropFirst()) {
                        let part = Array(stream[from..<to])
                        let count = from == first ? 1 : from == second ? 2 : 0
                        if count == 0 {
                            raw.peer.writeAll(part)
                        } else {
                            let numbers = [Int32](repeating: file.descriptor, count: count)
                            #expect(raw.peer.write(part, passing: numbers) == part.count)
                        }
                        if cut.isMultiple(of: 2) { loop.settle() }
                    }
                    try #require(loop.run { raw.recorder.messageCount == 4 })
                    #expect(raw.recorder.texts == ["a", "bb", "", "c"])
                    #expect(counts == [1, 2])
                    #expect(raw.recorder.reasons.isEmpty)
                }
            }
        }
    }

    @Test func `94 · of two frames in one call go to each in order`() throws {
        try withLoop { loop in
            let raw = try rawClient(loop)
            let files = try (0..<3).map { try NamelessFile("\($0)") }
            var texts: [String] = []
            raw.recorder.whenPassed = { _, descriptors in
                var text = ""
                while let next = descriptors.takeFirst() { text += NamelessFile.text(of: next.rawValue) }
                texts.append(text)
            }
            let stream = announcing(1, "a") + announcing(2, "b")
            #expect(raw.peer.write(stream, passing: files.map(\.descriptor)) == stream.count)
            try #require(loop.run { raw.recorder.messageCount == 2 })
            #expect(texts == ["0", "12"])
        }
    }

    @Test func `94 · of a message that the peer never completes are closed at its end`() throws {
        try withLoop { loop in
            let raw = try rawClient(loop)
            let tracked = try Tracked()
            #expect(raw.peer.write([0, 0, 0, 9], passing: tracked.passed.descriptor) == 4)
            tracked.forget()
            loop.settle()
            #expect(!tracked.isClosed)
            raw.peer.close()
            try #require(loop.run { raw.recorder.reasons.count == 1 })
            #expect(raw.recorder.reasons == [.truncatedByPeer(missingByteCount: nil)])
            #expect(loop.poll { tracked.isClosed })
        }
    }

    @Test func `are refused from a peer that may not send them, whose other messages arrive`() throws {
        try withLoop { loop in
            let raw = try rawClient(loop, .accepted(from: .users([12345])))
            let tracked = try Tracked()
            raw.peer.writeAll(announcing(0, "before"))
            let result = raw.peer.write(announcing(1, "x"), passing: tracked.passed.descriptor)
            guard DescriptorRefusal.isRefusedByKernel else {
                #expect(result == 6)
                return
            }
            #expect(result == -Int(EPERM))
            try #require(loop.run { raw.recorder.texts == ["before"] })
        }
    }
}
