// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import PipeTestSupport
import Testing

@testable import pipectl

/// `pipectl record --between`, at servers without the library.
@Suite(.timeLimit(.minutes(5)))
struct BetweenTests: StagedSuite {
    let stage: Stage
    private let directory: Directory
    private let server: ForeignEcho

    init() throws {
        stage = try Stage()
        directory = try Directory()
        server = try ForeignEcho(at: "\(directory.path)/name")
    }

    private var path: String { "\(directory.path)/name" }
    private var file: String { "\(directory.path)/talk.pcapng" }

    /// Runs the loop, with the server on it, until the condition holds.
    private func run(until condition: () -> Bool, _ location: SourceLocation = #_sourceLocation) {
        let isMet = server.run(on: reactor, until: condition)
        #expect(isMet, sourceLocation: location)
    }

    private func record(_ options: String..., framing: String = "newline") throws -> Tool {
        let tool = try Tool(
            reactor, ["record", path, file, "--between", "--timeout", "600s", "--framing", framing] + options)
        tool.waitFor("recording \(path)")
        return tool
    }

    /// What comes back from the server for these bytes, until it closes.
    private func echo(of bytes: [UInt8]) throws -> [UInt8] {
        let client = try RawPeer(connectingTo: .path(path))
        var rest = bytes[...]
        if bytes.isEmpty { client.finishWriting() }
        run {
            client.continueWriting(&rest)
            client.readAll()
            return client.isAtEnd
        }
        return client.received
    }

    private func end(_ tool: Tool, _ signal: Int32 = SIGTERM, status: Int32 = 0) {
        tool.signal(signal)
        #expect(tool.waitForExit() == status, "\(tool.text)")
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGQUIT])
    func `bytes pass exactly, with the ends of both directions, and the name is given back`(_ signal: Int32) throws {
        let before = try #require(fileStatus(path))
        let tool = try record(framing: "raw")
        let between = try #require(fileStatus(path))
        #expect(between.st_ino != before.st_ino && between.st_mode == before.st_mode)
        let bytes = pattern(3_000_001)
        #expect(try echo(of: bytes) == bytes)
        #expect(try echo(of: []) == [])
        end(tool, signal)
        #expect(tool.text.contains("\(path) is its server's again"))
        #expect(fileStatus(path)?.st_ino == before.st_ino && fileStatus("\(path).behind") == nil)
        #expect(try echo(of: [1, 2, 3]) == [1, 2, 3])
        let messages = try Recording(contentsOf: file).messages
        for direction in CapturedMessage.Direction.allCases {
            #expect(messages.filter { $0.direction == direction }.flatMap(\.bytes) == bytes)
        }
        #expect(Set(messages.map(\.connection)).count == 1)
        #expect(messages.allSatisfy { $0.processID == getpid() && $0.userID == geteuid() })
        #expect(messages.map(\.sequence) == Array(0..<UInt64(messages.count)))
    }

    @Test func `messages are recorded with their clients, and a limit cuts them`() throws {
        let tool = try record("--limit", "4")
        #expect(try echo(of: Array("one\n\nthree".utf8)).count == 10)
        end(tool)
        let recording = try Recording(contentsOf: file)
        let sent = recording.messages.filter { $0.direction == .toServer }
        #expect(sent.map(\.bytes) == ["one", "", "thre"].map { Array($0.utf8) })
        #expect(sent.map(\.byteCount) == [3, 0, 5])
        #expect(recording.address == path)
        #expect(tool.text.contains("recorded 6 messages, 16 B\n"))
    }

    @Test func `filters choose messages by direction and process`() throws {
        let tool = try record("--direction", "out", "--pid", "\(getpid())")
        #expect(try echo(of: [65, 10]) == [65, 10])
        end(tool)
        #expect(try Recording(contentsOf: file).messages.map(\.direction) == [.toClient])
    }

    @Test func `tap shows what goes by in the same way`() throws {
        let tool = try Tool(
            reactor, ["tap", path, "--between", "--timeout", "600s", "--framing", "newline", "--count", "2", "--json"])
        tool.waitFor("if this is killed")
        #expect(try echo(of: Array("hello\n".utf8)).count <= 6)
        #expect(tool.waitForExit() == 0, "\(tool.text)")
        #expect(tool.lines.count { $0.contains("\"message\":\"hello\"") } == 2, "\(tool.text)")
        #expect(fileStatus("\(path).behind") == nil)
    }

    /// Runs `body` beside a command whose output is never read, and checks that the server has its name again.
    ///
    /// - Parameter sign: the text on standard error that says that it stands between.
    private func unread(_ command: [String], _ sign: String, _ body: (Tool) throws -> Void) throws {
        let before = try #require(fileStatus(path))
        let output = "\(directory.path)/output"
        #expect(unsafe mkfifo(output, 0o600) == 0)
        let reader = unsafe open(output, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        try #require(reader >= 0)
        defer { close(reader) }
        let tool = try Tool(
            reactor, command + ["--between", "--timeout", "600s", "--framing", "newline"],
            redirection: "3>&1 >'\(output)' 2>&3")
        tool.waitFor(sign)
        try body(tool)
        #expect(fileStatus(path)?.st_ino == before.st_ino && fileStatus("\(path).behind") == nil)
    }

    /// Far more lines than a pipe holds.
    private var manyLines: [UInt8] { Array(repeating: letters(1000) + [10], count: repetitions(1000)).flatMap { $0 } }

    @Test func `a reader that never reads stops no client, and a signal gives the name back`() throws {
        try unread(["tap", path], "if this is killed") { tool throws in
            let bytes = manyLines
            for _ in 0..<3 { #expect(try echo(of: bytes) == bytes) }
            end(tool)
        }
        #expect(try echo(of: [1, 10]) == [1, 10])
    }

    @Test func `a recording whose reader never reads is cut, and the name is given back`() throws {
        try unread(["record", path, "-"], "recording \(path)") { tool throws in
            let bytes = manyLines
            #expect(try echo(of: bytes) == bytes)
            end(tool, status: 1)
            #expect(tool.lines.last == "pipectl: the recording is truncated: its reader has stopped reading")
        }
    }

    @Test func `the lock of a server that was killed refuses nothing`() throws {
        // Its number is a live process's by now: this one's.
        try Data("\(getpid())\n".utf8).write(to: URL(filePath: "\(directory.path)/.name.lock"))
        end(try record())
    }

    @Test func `a wrong framing harms no byte, and is reported once`() throws {
        let tool = try record(framing: "length")
        let bytes = Array("not in frames\nof that kind\n".utf8)
        for _ in 0..<3 { #expect(try echo(of: bytes) == bytes) }
        end(tool)
        #expect(tool.lines.count { $0.contains("is not in these frames") } == 1, "\(tool.text)")
        let messages = try Recording(contentsOf: file).messages
        #expect(messages.flatMap(\.bytes).count == 6 * bytes.count)
    }

    @Test func `a server that ends, ends the recording, whose file is whole`() throws {
        let tool = try record()
        #expect(try echo(of: Array("one\n".utf8)) == Array("one\n".utf8))
        server.listener.crash()
        let client = try RawPeer(connectingTo: .path(path))
        #expect(tool.waitForExit() == 1)
        #expect(tool.text.contains("the server of \(path) has ended"))
        #expect(fileStatus("\(path).behind") == nil)
        #expect(try Recording(contentsOf: file).messages.count == 2)
        _ = client
    }

    @Test func `a name that another server takes meanwhile is left to it`() throws {
        let tool = try record()
        server.listener.stop()
        let other = try ForeignEcho(at: path)
        let status = try #require(fileStatus(path))
        #expect(tool.waitForExit() == 1)
        #expect(tool.text.contains("\(path) was changed meanwhile, and left as it is"))
        #expect(fileStatus(path)?.st_ino == status.st_ino && fileStatus("\(path).behind") == nil)
        _ = other
    }

    @Test func `killed, it leaves the name dead, and the way back is told`() throws {
        let before = try #require(fileStatus(path))
        let tool = try record()
        #expect(tool.text.contains("if this is killed, the name is dead until: mv -T \(path).behind \(path)\n"))
        end(tool, SIGKILL, status: 128 + SIGKILL)
        let (status, lines) = try pipectlTests(["record", path, file, "--between", "--force", "--timeout", "600s"])
        #expect(status == 1)
        #expect(lines.last?.hasSuffix("but one is left behind it: mv -T \(path).behind \(path)") == true, "\(lines)")
        try renameFile("\(path).behind", to: path)
        #expect(fileStatus(path)?.st_ino == before.st_ino)
        #expect(try echo(of: [7]) == [7])
    }

    @Test func `two do not stand behind each other`() throws {
        let tool = try record()
        let (status, lines) = try pipectlTests([
            "record", path, "\(directory.path)/other", "--between", "--timeout", "600s",
        ])
        #expect(status == 1)
        #expect(lines.last?.contains("\(path).behind exists") == true, "\(lines)")
        #expect(fileStatus("\(directory.path)/other") == nil)
        end(tool)
    }

    /// Runs `pipectl` to its end, with the server on the loop.
    private func pipectlTests(_ arguments: [String]) throws -> (status: Int32?, lines: [String]) {
        let tool = try Tool(reactor, arguments)
        return (tool.waitForExit(), tool.lines)
    }

    @Test func `what cannot be moved aside, or should not be, is refused`() throws {
        let own = "\(directory.path)/own"
        let plain = try serve(reactor, "echo", own)
        let offering = try serveWithStatistics(reactor, "echo", "\(own)2", "--stat")
        try renameFile(path, to: "\(path)2")
        try linkFile(path, to: "\(path)2")
        let cases = [
            (own, "watches its name, and would take it back: start it with --allow-tap"),
            ("\(own)2", "offers \(own)2.stat: it can be tapped itself, with --allow-tap"),
            (name, "is no socket file"), ("\(directory.path)/none", "no server at \(directory.path)/none"),
            (path, "symbolic link"),
        ]
        for (address, text) in cases {
            let (status, lines) = try pipectlTests(["record", address, file, "--between", "--timeout", "600s"])
            #expect(status == 1, "\(address)")
            #expect(lines.last?.contains(text) == true, "\(lines)")
            #expect(fileStatus(file) == nil)
        }
        plain.terminate()
        offering.terminate()
        #expect(plain.waitForExit() == 0 && offering.waitForExit() == 0)
        try removeFile("\(path)2")
    }

    @Test func `a name is quoted for the shell where it has to be`() {
        #expect(quoted("/run/app-1.2/pipe_3@x") == "/run/app-1.2/pipe_3@x")
        #expect(quoted("/run/it's here") == "'/run/it'\\''s here'")
        #expect(quoted("") == "''")
    }
}

extension Recording {
    var messages: [CapturedMessage] {
        events.compactMap { if case .message(let message) = $0 { message } else { nil } }
    }
}
