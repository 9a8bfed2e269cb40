// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeReactor
import PipeTestSupport
import Testing

/// The results of calls that wait, in the order in which they came.
private final class Results {
    private(set) var all: [String] = []

    func note(_ result: Result<Void, PipeError>) {
        switch result {
        case .success: all.append("read")
        case .failure(let error): all.append("\(error)")
        }
    }
}

@Suite struct `A connection whose peer reads late` {
    @Test func `knows whether something is unread, and reports the end of that once`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            #expect(try !connection.hasUnreadByPeer)
            let results = Results()
            try connection.send("hello")
            connection.whenReadByPeer(within: .seconds(600), results.note)
            #expect(try connection.hasUnreadByPeer)
            loop.settle()
            #expect(try connection.hasUnreadByPeer)
            #expect(results.all.isEmpty)
            raw.peer.readAll()
            try #require(loop.run { !results.all.isEmpty })
            #expect(results.all == ["read"])
            #expect(try !connection.hasUnreadByPeer)
            loop.settle()
            #expect(results.all == ["read"])
        }
    }

    @Test func `waits for what is queued here as well`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            let results = Results()
            try connection.fillKernel(loop)
            #expect(connection.pendingByteCount > 0)
            connection.whenReadByPeer(within: .seconds(600), results.note)
            try #require(
                loop.poll {
                    raw.peer.readAll()
                    return !results.all.isEmpty
                })
            #expect(results.all == ["read"])
            #expect(connection.pendingByteCount == 0)
        }
    }

    @Test func `reports a late peer, and goes on waiting for the others`() throws {
        try withLoop(in: VirtualTime()) { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            let results = Results()
            try connection.send("hello")
            connection.whenReadByPeer(within: .seconds(5), results.note)
            connection.whenReadByPeer(within: .seconds(60), results.note)
            loop.reactor.settle()
            loop.reactor.advance(by: .seconds(6))
            #expect(results.all == ["\(PipeError.timedOut)"])
            raw.peer.readAll()
            loop.reactor.advance(by: .seconds(1))
            #expect(results.all == ["\(PipeError.timedOut)", "read"])
        }
    }

    @Test func `calls back later, even if everything is read or over already`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            let results = Results()
            connection.whenReadByPeer(within: .seconds(600), results.note)
            #expect(results.all.isEmpty)
            try #require(loop.run { results.all == ["read"] })
            connection.abort()
            connection.whenReadByPeer(within: .seconds(600), results.note)
            #expect(results.all.count == 1)
            try #require(loop.run { results.all.count == 2 })
            #expect(results.all.last == "\(PipeError.notConnected(.ended))")
            #expect(throws: PipeError.notConnected(.ended)) { try connection.hasUnreadByPeer }
        }
    }

    @Test(arguments: [false, true])
    func `tells a peer that read everything before its end from one that did not`(reads: Bool) throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let results = Results()
            raw.recorder.whenClosed = { _, _ in results.note(.failure(.timedOut)) }
            try raw.accepted.send("hello")
            try raw.accepted.whenReadByPeer(within: .seconds(600), results.note)
            loop.settle()
            // Both in one turn: no look comes between them.
            if reads { raw.peer.readAll() }
            raw.peer.close()
            try #require(loop.run { results.all.count == 2 })
            let ending = "\(PipeError.disconnected(.resetByPeer))"
            #expect(results.all == [reads ? "read" : ending, "\(PipeError.timedOut)"])
        }
    }

    @Test func `may be closed, and wait again, in the report`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let connection = try raw.accepted
            let results = Results()
            try connection.send("hello")
            connection.whenReadByPeer(within: .seconds(600)) { result in
                results.note(result)
                connection.whenReadByPeer(within: .seconds(600)) { result in
                    results.note(result)
                    connection.close()
                }
            }
            try #require(
                loop.poll {
                    raw.peer.readAll()
                    return raw.peer.isAtEnd
                })
            #expect(results.all == ["read", "read"])
        }
    }
}

@Suite struct `The pace of looking` {
    @Test func `begins at a millisecond and ends at 64`() {
        var pace = LookPace()
        let pauses = (0..<9).map { _ in pace.next() }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 64, 64, 64].map { .milliseconds($0) })
    }
}
