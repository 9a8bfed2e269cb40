// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeTestSupport
import Testing

/// A server that receives what any process writes into a FIFO.
@Suite struct `A FIFO` {
    let scratch = Scratch()

    private var path: String { scratch.path("fifo") }

    private func configuration(_ framing: any MessageFraming = DelimiterFraming.newline) -> PipeServer.Configuration {
        var configuration = PipeServer.Configuration(framing: framing)
        configuration.accessPolicy = .anyUser
        return configuration
    }

    private func serve(
        _ loop: Loop, _ framing: any MessageFraming = DelimiterFraming.newline
    ) throws -> (PipeServer, Recorder) {
        try loop.server(configuration(framing), at: .fifo(path))
    }

    /// One process's bytes: it opens, writes and closes, as `echo text >fifo` does.
    private func write(_ bytes: [UInt8]) {
        let writer = unsafe open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        unsafe #expect(Glibc.write(writer, bytes, bytes.count) == bytes.count)
        close(writer)
    }

    private func write(_ text: String) { write(Array(text.utf8)) }

    @Test func `receives from one writer after the other, and rests in between`() throws {
        try withLoop { loop in
            let (server, recorder) = try serve(loop)
            write("early\n")
            try #require(loop.run { recorder.texts == ["early"] })
            // Without a writer, a FIFO that is open for reading alone reports its end for ever.
            #expect(loop.turnCount(in: .milliseconds(50)) < 10)
            write("one\ntwo\n")
            write("half")
            write(" and half\n")
            try #require(loop.run { recorder.texts.count == 4 })
            #expect(recorder.texts == ["early", "one", "two", "half and half"])
            #expect(recorder.openCount == 1 && recorder.reasons == [])
            #expect(recorder.connections.first?.peer == .unknown)
            #expect("\(server.address)" == "fifo:\(path)")
            #expect(try PipeAddress(parsing: "fifo:\(path)") == server.address)
        }
    }

    @Test func `belongs to its user alone, and goes with its server`() throws {
        try withLoop { loop in
            let (server, recorder) = try serve(loop)
            let status = try FileStatus(following: path)
            #expect(status.kind == .fifo && status.mode & 0o777 == 0o600)
            server.stop()
            try #require(loop.run { recorder.stopCount == 1 })
            #expect(FileStatus.following(path) == nil)
            #expect(recorder.reasons == [] || recorder.reasons == [.serverStopped])
        }
    }

    @Test func `may be opened to others, whatever the umask`() throws {
        try withLoop { loop in
            var configuration = configuration()
            configuration.permissions = .mode(0o622)
            _ = try loop.server(configuration, at: .fifo(path))
            #expect(try FileStatus(following: path).mode & 0o777 == 0o622)
        }
    }

    @Test func `is left alone if something else, or a live server, has the name`() throws {
        try withLoop { loop in
            makeFile(path)
            let error = #expect(throws: PipeError.self) { _ = try serve(loop) }
            #expect(error == .unusableLocation(path: path, .notAFIFO))
            #expect(contents(of: path) == "precious")
            unsafe #expect(unlink(path) == 0)
            _ = try serve(loop)
            let second = #expect(throws: PipeError.self) { _ = try serve(loop) }
            let address = try PipeAddress.fifo(path)
            #expect(second == .addressInUse(address, holder: getpid()))
            write("still there\n")
        }
    }

    @Test func `that a killed server left behind is taken over`() throws {
        try withLoop { loop in
            let (killed, _) = try serve(loop)
            let left = try FileStatus(following: path)
            #expect(left.mode & 0o7777 == 0o1600)
            killed.stop()
            // The same mark, as it is from the beginning, and other permissions.
            unsafe #expect(mkfifo(path, 0o600) == 0 && chmod(path, 0o1622) == 0)
            let (server, recorder) = try serve(loop)
            #expect(try FileStatus(following: path).mode & 0o777 == 0o600)
            write("hello\n")
            try #require(loop.run { recorder.texts == ["hello"] })
            server.stop()
            try #require(loop.run { recorder.stopCount == 1 })
            #expect(FileStatus.following(path) == nil)
        }
    }

    @Test func `goes with a start that fails`() async {
        await #expect(processExitsWith: .success) {
            let directory = Scratch()
            let address = try PipeAddress.fifo(directory.path("fifo"))
            var configuration = PipeServer.Configuration(framing: DelimiterFraming.newline)
            configuration.accessPolicy = .anyUser
            configuration.permissions = .mode(0o600, owner: geteuid())
            try withLoop { loop in
                try #require(SystemCallFilter.fail(.changeOwner, with: EPERM))
                let error = #expect(throws: PipeError.self) { _ = try loop.server(configuration, at: address) }
                #expect(error == .unusableLocation(path: address.text, .notPermitted))
            }
            #expect(FileStatus.following(directory.path("fifo")) == nil)
        }
    }

    @Test func `that an administrator has made keeps its mode, and stays`() throws {
        try withLoop { loop in
            unsafe #expect(mkfifo(path, 0o600) == 0 && chmod(path, 0o622) == 0)
            let made = try FileStatus(following: path)
            for text in ["first", "second"] {
                let (server, recorder) = try serve(loop)
                write(text + "\n")
                try #require(loop.run { recorder.texts == [text] })
                server.stop()
                try #require(loop.run { recorder.stopCount == 1 })
                let left = try FileStatus(following: path)
                #expect(left.identity == made.identity && left.mode == made.mode)
            }
        }
    }

    @Test func `needs a policy that asks nobody who he is`() throws {
        try withLoop { loop in
            let error = #expect(throws: PipeError.self) {
                _ = try loop.server(PipeServer.Configuration(), at: .fifo(path))
            }
            let address = try PipeAddress.fifo(path)
            #expect(error == .policyNeedsIdentity(address))
            #expect(scratch.names == [])
        }
    }

    @Test func `refuses to send, with an error of its own`() throws {
        try withLoop { loop in
            let (_, recorder) = try serve(loop)
            try #require(loop.run { recorder.openCount == 1 })
            let connection = try #require(recorder.connections.first)
            #expect(!connection.isOpen)
            let error = #expect(throws: PipeError.self) { try connection.send("back") }
            #expect(error == .receiveOnly)
            let (_, atClient) = loop.client(to: try .fifo(path))
            try #require(loop.run { atClient.failures == [.receiveOnly] })
        }
    }

    @Test func `skips a line that is too long, and says so`() throws {
        try withLoop { loop in
            let watcher = SkipWatcher()
            let server = try PipeServer(
                listeningOn: .fifo(path),
                configuration: configuration(DelimiterFraming([0x0A], maximumMessageByteCount: 10)),
                reactor: loop.reactor, delegate: watcher)
            write("before\nmuch longer than that\nbehind\n")
            try #require(loop.run { watcher.texts.count == 2 && watcher.errors.count == 1 })
            #expect(watcher.texts == ["before", "behind"])
            #expect(watcher.errors == [.messageTooLarge(byteCount: 11, limit: 10)])
            #expect(watcher.openCount == 1)
            server.stop()
        }
    }

    @Test func `drops what it holds behind a bad frame that has no delimiter, and goes on`() throws {
        try withLoop { loop in
            let framing = LengthPrefixFraming(maximumMessageByteCount: 100)
            let (server, recorder) = try serve(loop, framing)
            write(frame("good") + [0xFF, 0xFF, 0xFF, 0xFF] + frame("lost"))
            try #require(loop.run { recorder.openCount == 2 })
            #expect(recorder.reasons.count == 1)
            #expect(recorder.reasons.first?.kind == .framing)
            write(frame("again"))
            try #require(loop.run { recorder.texts == ["good", "again"] })
            #expect(server.connectionCount == 1)
        }
    }
}

/// Counts what a server's FIFO skips.
private final class SkipWatcher: PipeServerDelegate {
    var texts: [String] = []
    var errors: [FramingError] = []
    var openCount = 0

    func connectionDidOpen(_ connection: PipeConnection) { openCount += 1 }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        texts.append(String(decoding: [UInt8](copying: message), as: UTF8.self))
    }

    func server(_ server: PipeServer, didSkip error: FramingError) { errors.append(error) }
}
