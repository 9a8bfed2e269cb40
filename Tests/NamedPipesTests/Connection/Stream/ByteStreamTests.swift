// SPDX-License-Identifier: Apache-2.0
@testable import NamedPipes
import PipeReactor
import PipeTestSupport
import Testing

// A stream of each kind, without a connection: what holds for all kinds, and where they differ.

private let spread = [["ab", "cd", "ef"], ["ab", "cd", ""]] + Array(repeating: ["ab", "", ""], count: 4)

@Suite struct `A byte stream` {
    @Test(arguments: StreamKind.allCases)
    func `carries bytes both ways, and would block where there are none`(kind: StreamKind) throws {
        try withStreams(kind) { near, far, settle in
            #expect(try near.read() == .nothing)
            #expect(try near.write("there") == 5)
            _ = try far.write("back")
            settle()
            #expect(try far.read() == .text("there"))
            #expect(try near.read() == .text("back"))
            #expect(try near.read() == .nothing)
        }
    }

    @Test(arguments: StreamKind.allCases)
    func `reports the end once all is read, and still takes bytes for the other direction`(kind: StreamKind) throws {
        try withStreams(kind) { near, far, settle in
            _ = try far.write("last")
            far.stream.finishSending()
            settle()
            #expect(try near.read() == .text("last"))
            #expect(try near.readAtLast() == .end)
            #expect(try near.hangUp() == nil)
            #expect(try near.write("answer") == 6)
            settle()
            #expect(try far.read() == .text("answer"))
        }
    }

    @Test(arguments: StreamKind.allCases)
    func `gathers several spaces into one write`(kind: StreamKind) throws {
        try withStreams(kind) { near, far, settle in
            let pieces: [[UInt8]] = [Array("one ".utf8), [], Array("two ".utf8), Array("three".utf8)]
            let count = try near.stream.send { list in
                for piece in pieces { unsafe piece.withUnsafeBytes { unsafe list.append($0) } }
            }
            #expect(count == 13)
            settle()
            #expect(try far.read() == .text("one two three"))
        }
    }

    @Test(arguments: zip(StreamKind.allCases, spread))
    func `scatters a read over as many spaces as its kind can`(kind: StreamKind, spaces: [String]) throws {
        try withStreams(kind) { near, far, settle in
            _ = try far.write("abcdefg")
            settle()
            #expect(try near.readSpread(over: 3, ofByteCount: 2) == spaces)
            let rest = "abcdefg".dropFirst(spaces.joined().count)
            #expect(try near.read() == .text(String(rest)))
        }
    }

    @Test(arguments: StreamKind.pairs)
    func `ends where the peer closes two descriptors, and says whether all was read`(kind: StreamKind) throws {
        try withStreams(kind) { near, far, settle in
            _ = try near.write("unread")
            #expect(try near.hangUp() == nil)
            far.stream.close()
            settle()
            #expect(try near.readAtLast() == .end)
            #expect(try near.hangUpAtLast() == .reset)
            let failure = #expect(throws: SystemError.self) { try near.write("too late") }
            #expect(failure?.isPeersDoing == true)
        }
    }

    @Test(arguments: StreamKind.whole)
    func `fails once, then ends, where the peer closes over unread bytes`(kind: StreamKind) throws {
        try withStreams(kind) { near, far, settle in
            _ = try near.write("unread")
            settle()
            far.stream.close()
            settle()
            let error = #expect(throws: SystemError.self) { try near.readAtLast() }
            #expect(error?.isConnectionReset == true)
            #expect(try near.read() == .end)
            #expect(try near.hangUp() == .clean)
            let failure = #expect(throws: SystemError.self) { try near.write("too late") }
            #expect(failure?.isPeersDoing == true)
        }
    }

    @Test(arguments: StreamKind.allCases)
    func `reports input for as long as there is some and it is watched`(kind: StreamKind) throws {
        try withStreams(kind) { near, far, settle in
            try near.watchInput()
            _ = try far.write("news")
            settle()
            #expect(near.heard.count > 1 && near.heard.allSatisfy { $0 == .readable })
            near.unwatchInput()
            near.heard = []
            settle()
            #expect(near.heard.isEmpty)
            #expect(try near.read() == .text("news"))
        }
    }

    @Test(arguments: StreamKind.allCases)
    func `takes no more when it is full, and reports room`(kind: StreamKind) throws {
        try withStreams(kind) { near, far, settle in
            while try near.write(String(repeating: "x", count: 10_000)) != nil {}
            try near.awaitRoom()
            settle()
            #expect(near.heard.isEmpty)
            while case .text = try far.read() {}
            settle()
            #expect(near.heard.first == .writable)
            near.stream.unwatchOutput()
        }
    }

    @Test(arguments: StreamKind.allCases)
    func `reports behind the end of the input that the peer is gone`(kind: StreamKind) throws {
        try withStreams(kind) { near, far, settle in
            far.stream.finishSending()
            settle()
            #expect(try near.readAtLast() == .end)
            try near.awaitHangUp()
            settle()
            near.heard = []
            far.stream.close()
            #expect(near.wait { near.heard.first?.has(.writable) == true })
            #expect(try near.hangUpAtLast() == .clean)
        }
    }

    @Test(arguments: StreamKind.allCases)
    func `may bring descriptors only where it is guarded, and is direct where no check is needed`(kind: StreamKind)
        throws
    {
        try withStreams(kind) { near, _, _ in
            let (isDirect, passed) = (near.stream.isDirect, near.stream.passedDescriptors)
            #expect(isDirect == (kind == .socket))
            #expect((passed == .possible) == (kind == .guardedSocket))
        }
    }

    @Test func `removes descriptors that its peer sends, and reports them afterwards`() throws {
        try withStreams(.guardedSocket) { near, far, _ in
            let peer = RawPeer(taking: try duplicate(far.stream.descriptor))
            #expect(peer.write(Array("with".utf8), passing: [2]) == 4)
            #expect(try near.read() == .text("with"))
            let hasReceived = near.stream.hasReceivedDescriptors
            #expect(hasReceived)
        }
    }

    @Test(arguments: StreamKind.allCases)
    func `knows its peer as it was told, and asks the kernel for more where there is a socket`(
        kind: StreamKind
    ) throws {
        try withStreams(kind) { near, _, _ in
            let peer = near.stream.peer
            #expect(peer == StreamEnd.peer)
            guard kind != .socket, kind != .guardedSocket else {
                _ = try near.peerGroups()
                return
            }
            #expect(try near.peerGroups() == [])
            #expect(throws: SystemError.self) { try near.peerProcess() }
        }
    }
}
