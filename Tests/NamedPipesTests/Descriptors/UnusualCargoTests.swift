// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeTestSupport
import Testing

private func configuration() -> PipeServer.Configuration {
    var configuration = PipeServer.Configuration(framing: DescriptorFraming())
    configuration.connection.descriptors = .accepted()
    return configuration
}

@Suite struct `Unusual descriptors` {
    @Test(arguments: [Int32(SHUT_RD), Int32(SHUT_WR), Int32(SHUT_RDWR)])
    func `such as a half-closed end of TCP arrive, work as far as they did, and are closed`(how: Int32) throws {
        try withLoop { loop in
            let passing = try PassingPair(loop)
            let (one, other) = try tcpPair()
            shutdown(one, how)
            var written = 0
            passing.pair.atServer.whenPassed = { _, descriptors in
                guard let end = descriptors.takeFirst() else { return }
                written = unsafe Glibc.send(end.rawValue, [7, 8], 2, Int32(MSG_NOSIGNAL))
            }
            try passing.send("half", [one])
            close(one)
            try #require(loop.run { passing.pair.atServer.messageCount == 1 })
            #expect(passing.pair.atServer.descriptorKinds == [[.socket(.stream, isLocal: false)]])
            #expect(written == (how == Int32(SHUT_RD) ? 2 : -1))
            // The last copy is closed on a thread of the library's: the other end reads the end, behind the bytes.
            var bytes = [UInt8](repeating: 0, count: 8)
            var read = 0
            try #require(
                loop.poll {
                    let count = unsafe recv(other, &bytes, bytes.count, Int32(MSG_DONTWAIT))
                    read += max(0, count)
                    return count == 0 || (count < 0 && errno != EAGAIN)
                })
            #expect(read == max(0, written))
            close(other)
        }
    }

    @Test func `behind an upgrade to a framing that announces none end the connection, typed`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, configuration())
            var plain = try raw.accepted.configuration
            plain.framing = LengthPrefixFraming()
            try raw.accepted.upgrade(to: plain)
            let (passed, tracked) = try RawPeer.pair()
            raw.peer.writeAll(frame("without"))
            try #require(loop.run { raw.recorder.texts == ["without"] })
            var outgoing = OutgoingDescriptors()
            try outgoing.append(duplicating: passed.descriptor)
            #expect(throws: PipeError.descriptorsNotSent(.framingCannotAnnounce)) {
                try raw.accepted.send("with", descriptors: &outgoing)
            }
            #expect(outgoing.count == 1)
            outgoing = OutgoingDescriptors()
            #expect(raw.peer.write(frame("with"), passing: passed.descriptor) == 8)
            passed.close()
            try #require(loop.run { raw.recorder.reasons.count == 1 })
            #expect(raw.recorder.reasons == [.descriptors(.moreThanAnnounced(surplus: 1))])
            #expect(
                loop.poll {
                    tracked.readAll()
                    return tracked.isAtEnd
                })
        }
    }

    @Test func `of a message that is not complete keep a connection from being detached until it is`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop, configuration())
            let file = try NamelessFile("file")
            let bytes = announcing(1, "with")
            #expect(raw.peer.write(Array(bytes[..<6]), passing: file.descriptor) == 6)
            let connection = try raw.accepted
            try #require(loop.run { connection.rareIfAny?.descriptors?.arrived.numbers.isEmpty == false })
            #expect(throws: PipeError.cannotDetach(.holdsDescriptors)) {
                try connection.detach { _ in Issue.record("it was detached") }
            }
            #expect(connection.isOpen)
            raw.peer.writeAll(bytes[6...])
            try #require(loop.run { raw.recorder.descriptorKinds == [[.file]] })
            var isDetached = false
            try connection.detach { _ in isDetached = true }
            try #require(loop.run { isDetached })
            #expect(raw.recorder.texts == ["with"] && raw.recorder.reasons == [.detached])
        }
    }
}

/// The limit is that of the whole process, so the test has one for itself.
@Suite struct `Descriptors that may come, at the limit of descriptors` {
    @Test func `end the connection, typed, and leave none behind`() async {
        await #expect(processExitsWith: .success) { try acceptAtTheLimit() }
    }
}

private func acceptAtTheLimit() throws {
    try withLoop { loop in
        let raw = try RawClient(loop, configuration())
        let other = try RawPeer(connectingTo: loop.address)
        try #require(loop.run { raw.recorder.openCount == 2 })
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        unsafe getrlimit(resource, &limit)
        let old = limit.rlim_cur
        // No number is free: the kernel passes the message, and drops what came with it (MSG_CTRUNC).
        limit.rlim_cur = 0
        try #require(unsafe setrlimit(resource, &limit) == 0)
        #expect(raw.peer.write(announcing(2, "x"), passing: [2, 2]) == 6)
        try #require(loop.run { raw.recorder.reasons.count == 1 })
        limit.rlim_cur = old
        try #require(unsafe setrlimit(resource, &limit) == 0)
        #expect(raw.recorder.reasons == [.descriptors(.lost)])
        #expect(loop.poll { raw.server.endpoint.descriptors?.inFlightCount == 0 })
        other.writeAll(announcing(0, "other"))
        #expect(loop.run { raw.recorder.texts == ["other"] })
    }
}
