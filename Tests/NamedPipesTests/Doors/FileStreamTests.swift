// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeTestSupport
import Testing

/// Files and devices, which epoll refuses: always ready, and read in slices.
@Suite struct `A connection over files` {
    let scratch = Scratch()

    private func file(_ name: String, _ bytes: [UInt8] = []) throws -> Int32 {
        let number = unsafe open(scratch.path(name), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        unsafe #expect(write(number, bytes, bytes.count) == bytes.count)
        try #require(lseek(number, 0, SEEK_SET) == 0)
        return number
    }

    @Test func `reads one to its end and writes the other, in order`() throws {
        try withLoop { loop in
            let recorder = loop.recorder()
            recorder.whenReceived = { connection, message in _ = try? connection.send(message.span) }
            let lines = (0..<2000).map { "line \($0)" }
            let text = lines.map { $0 + "\n" }.joined()
            let output = try file("output")
            let kept = try duplicate(output)
            defer { close(kept) }
            var configuration = PipeConnection.Configuration()
            configuration.framing = DelimiterFraming.newline
            PipeConnection.serve(
                try AcceptedConnection(reading: file("input", Array(text.utf8)), writing: output), configuration,
                reactor: loop.reactor, delegate: recorder)
            try #require(loop.run { recorder.reasons == [.closedByPeer] })
            #expect(recorder.texts == lines)
            var written = [UInt8](repeating: 0, count: text.utf8.count + 1)
            #expect(unsafe pread(kept, &written, written.count, 0) == text.utf8.count)
            #expect(written.dropLast() == Array(text.utf8)[...])
        }
    }

    @Test func `takes its turn behind all others`() throws {
        try withLoop { loop in
            let (atFile, body) = (loop.recorder(), pattern(1000))
            atFile.keepsMessages = false
            let pair = try Pair(loop)
            // Each answer asks for the next: as many as there are turns.
            pair.atServer.whenReceived = { connection, message in _ = try? connection.send(message.span) }
            pair.atClient.whenReceived = { connection, message in _ = try? connection.send(message.span) }
            try pair.client.send("ping")
            let input = try file("input", Array((0..<8000).map { _ in frame(body) }.joined()))
            PipeConnection.serve(
                try AcceptedConnection(reading: input, writing: file("output")), reactor: loop.reactor,
                delegate: atFile)
            try #require(loop.run(whileGrowing: { atFile.messageCount }) { atFile.isEverythingClosed })
            #expect(atFile.messageCount == 8000)
            // The file has 125 slices.
            #expect(pair.atClient.messageCount > 50)
        }
    }

    @Test func `rests while it is paused`() throws {
        try withLoop { loop in
            let recorder = loop.recorder()
            recorder.whenOpened = { $0.pauseReceiving() }
            let connection = PipeConnection.serve(
                try AcceptedConnection(reading: file("input", frame("hello")), writing: file("output")),
                reactor: loop.reactor, delegate: recorder)
            loop.settle()
            #expect(loop.turnCount(in: .milliseconds(50)) < 10)
            connection.resumeReceiving()
            try #require(loop.run { recorder.reasons == [.closedByPeer] })
            #expect(recorder.texts == ["hello"])
        }
    }

    @Test func `ends at once where there is nothing`() throws {
        try withLoop { loop in
            let recorder = loop.recorder()
            let nothing = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
            let connection = PipeConnection.serve(
                try AcceptedConnection(reading: nothing, writing: try duplicate(nothing)), reactor: loop.reactor,
                delegate: recorder)
            try connection.send("nowhere")
            try #require(loop.run { recorder.reasons == [.closedByPeer] })
            #expect(connection.unsentMessageCount == 0)
        }
    }

    @Test func `reports an error of the device`() throws {
        try withLoop { loop in
            let recorder = loop.recorder()
            let full = unsafe open("/dev/full", O_RDWR | O_CLOEXEC)
            let connection = PipeConnection.serve(
                try AcceptedConnection(reading: try PlainPair().ours.input, writing: full), reactor: loop.reactor,
                delegate: recorder)
            try connection.send("no room")
            try #require(loop.run { recorder.reasons.count == 1 })
            #expect(recorder.reasons == [.system(SystemError(call: "write", code: ENOSPC))])
        }
    }
}
