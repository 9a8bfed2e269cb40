// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import NamedPipesProgram
import PipeTestSupport
import Testing

@testable import pipectl

/// The file that `pipectl record` makes, and when it ends.
@Suite(.timeLimit(.minutes(5)))
struct RecordTests: StagedSuite {
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

    private func record(_ options: [String], redirection: String = "", assignment: String = "") throws -> Tool {
        let tool = try Tool(
            reactor, ["record", path, "--between", "--timeout", "600s", "--framing", "newline"] + options,
            redirection: redirection,
            assignment: assignment)
        tool.waitFor("recording \(path)")
        return tool
    }

    /// Sends lines to the server and reads what comes back, until `isDone`.
    private func talk(_ lines: Int, of size: Int = 3, until isDone: (RawPeer) -> Bool) throws {
        let client = try RawPeer(connectingTo: .path(path))
        var rest = Array(repeating: letters(size) + [10], count: lines).flatMap { $0 }[...]
        let isMet = server.run(on: reactor) {
            client.continueWriting(&rest)
            client.readAll()
            return isDone(client)
        }
        #expect(isMet)
    }

    @Test func `the file is this user's alone, and no other one is overwritten`() throws {
        let tool = try record([file], assignment: "umask 0;")
        #expect(fileStatus(file)?.st_mode == S_IFREG | 0o600)
        tool.terminate()
        #expect(tool.waitForExit() == 0)
        #expect(tool.text.contains("recorded 0 messages, 0 B\n"))
        #expect(try Recording(contentsOf: file) == Recording(address: path))
        let again = try run(reactor, "record", path, file, "--between", "--timeout", "600s")
        #expect(again.status == 1 && again.lines == ["pipectl: \(file) exists (--force replaces it)"])
    }

    @Test func `--force replaces a file, and neither a link's target nor a device`() throws {
        let inode = try #require(fileStatus(path)?.st_ino)
        try linkFile(file, to: "/dev/null")
        let refused = try Tool(reactor, ["record", path, file, "--between", "--force", "--timeout", "600s"])
        #expect(refused.waitForExit() == 1)
        // Before anything else happens: the name is never taken.
        #expect(refused.lines == ["pipectl: \(file) is not a regular file, and stays as it is"])
        for place in [directory.path, "/dev/null", "\(directory.path)/none/file"] {
            let refused = try run(reactor, "record", path, place, "--between", "--force", "--timeout", "600s")
            #expect(refused.status == 1 && refused.lines.count == 1, "\(refused.lines)")
        }
        #expect(fileStatus(path)?.st_ino == inode)
        try removeFile(file)
        try Data().write(to: URL(filePath: file))
        let tool = try record([file, "--force"])
        #expect(fileStatus(file)?.st_mode == S_IFREG | 0o600)
        tool.terminate()
        #expect(tool.waitForExit() == 0)
    }

    @Test func `it ends after --count messages`() throws {
        let tool = try record([file, "--count", "7"])
        try talk(20) { $0.isAtEnd || !$0.readErrors.isEmpty }
        #expect(tool.waitForExit() == 0)
        #expect(try Recording(contentsOf: file).messages.count == 7)
        #expect(tool.text.contains("recorded 7 messages, 21 B\n"))
    }

    @Test(arguments: ["1", "2"])
    func `a server that offers it is recorded by itself, and without the offer it is not`(reactors: String) throws {
        let echo = try serveWithStatistics(reactor, "echo", name, "--allow-tap", "--reactors", reactors)
        let tool = try Tool(reactor, ["record", name, file, "--count", "6", "--timeout", "600s"])
        tool.waitFor("recording \(name)")
        let replies = try run(reactor, "send", name, "one", "two", "three", "--reply", "--timeout", "600s")
        #expect(replies.lines == ["one", "two", "three"])
        #expect(tool.waitForExit() == 0, "\(tool.text)")
        let messages = try Recording(contentsOf: file).messages
        #expect(messages.map(\.bytes) == ["one", "one", "two", "two", "three", "three"].map { Array($0.utf8) })
        #expect(messages.map(\.direction) == (0..<6).map { $0 % 2 == 0 ? .toServer : .toClient })
        #expect(Set(messages.map(\.connection)).count == 1 && messages.allSatisfy { $0.userID == geteuid() })
        echo.terminate()
        #expect(echo.waitForExit() == 0)
        let plain = try serve(reactor, "echo", name)
        let refused = try run(reactor, "record", name, "\(file)2", "--timeout", "600s")
        #expect(refused.status == 1 && refused.lines.last?.contains("--allow-tap") == true, "\(refused.lines)")
        #expect(fileStatus("\(file)2") == nil)
        _ = plain
    }

    @Test func `a server that ends, ends its recording`() throws {
        let echo = try serveWithStatistics(reactor, "echo", name, "--allow-tap")
        let tool = try Tool(reactor, ["record", name, file, "--timeout", "600s"])
        tool.waitFor("recording \(name)")
        #expect(try run(reactor, "send", name, "one", "--reply", "--timeout", "600s").status == 0)
        echo.terminate()
        #expect(tool.waitForExit() == 1, "\(tool.text)")
        #expect(try Recording(contentsOf: file).messages.count == 2)
    }

    @Test func `with --json, its end is an object`() throws {
        let tool = try record([file, "--count", "7", "--json"])
        try talk(20) { $0.isAtEnd || !$0.readErrors.isEmpty }
        #expect(tool.waitForExit() == 0)
        let expected = #"{"address":"\#(path)","bytes":21,"file":"\#(file)","lost":0,"messages":7}"#
        #expect(tool.lines.contains(expected), "\(tool.text)")
    }

    @Test func `it ends after --duration`() throws {
        let tool = try record([file, "--duration", "10ms"])
        #expect(tool.waitForExit() == 0)
        #expect(try Recording(contentsOf: file).events == [])
    }

    @Test func `standard output takes a recording, too`() throws {
        let tool = try record(["-", "--count", "2"], redirection: "3>&1 >'\(file)' 2>&3")
        try talk(2) { $0.isAtEnd || !$0.readErrors.isEmpty }
        #expect(tool.waitForExit() == 0)
        #expect(try Recording(contentsOf: file).messages.count == 2)
    }

    @Test(.disabled(if: isSanitized, "ThreadSanitizer's runtime does not survive a limit of file sizes"))
    func `a full disk ends it with one line, and what was written can be read`() throws {
        // Blocks of 512 bytes.
        let tool = try record([file], assignment: "ulimit -f 40;")
        try talk(100, of: 1000) { $0.isAtEnd || !$0.readErrors.isEmpty }
        #expect(tool.waitForExit() == 1)
        #expect(tool.lines.last == "pipectl: \(file) cannot be written: \(SystemError(call: "write", code: EFBIG))")
        let recording = try Recording(contentsOf: file)
        #expect(recording.cutByteCount == 0)
        #expect(recording.messages.allSatisfy { $0.bytes == letters(1000) })
        #expect(tool.text.contains("recorded \(counted(recording.messages.count, "message")), "))
    }

    @Test(.enabled(if: canUnshare("-m")))
    func `a disk that is full and has room again has no hole`() throws {
        // Each line is a block of several pages, so that taking a part of one back makes room for the counts.
        let script = """
            mount -t tmpfs -o size=64k none "$1" || exit 9
            "$0" record "$2" "$1/talk" --between --framing newline --timeout 600s; status=$?
            cp "$1/talk" "$3"; exit $status
            """
        let disk = "\(directory.path)/disk"
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
        let tool = try Tool(
            reactor, command: ["unshare", "-m", "sh", "-c", script, Tool.program, disk, path, file], errors: .merged)
        tool.waitFor("recording \(path)")
        try talk(10, of: 30_000) { $0.isAtEnd || !$0.readErrors.isEmpty }
        #expect(tool.waitForExit() == 1, "\(tool.text)")
        #expect(tool.text.contains(" cannot be written: \(SystemError(call: "write", code: ENOSPC))"), "\(tool.text)")
        let recording = RecordingDecoder.wholeBlocks(in: Array(try Data(contentsOf: URL(filePath: file))))
        #expect(recording?.cutByteCount == 0)
        #expect(recording?.messages.allSatisfy { $0.bytes == letters(30_000) } == true)
    }

    /// Runs a server that offers a tap, and reports this, whatever it is asked.
    private func recordHostile(_ reports: [String]) throws -> (status: Int32?, text: String) {
        let fake = "\(directory.path)/fake"
        let listener = try RawListener(at: .path("\(fake).stat"))
        let lines = reports.map { #"{"jsonrpc":"2.0","method":"messages","params":\#($0)}"# + "\n" }.joined()
        let tool = try Tool(reactor, ["record", fake, file, "--timeout", "600s"])
        var peers: [RawPeer] = []
        let ticker = reactor.schedule(after: .milliseconds(2), repeating: .milliseconds(2)) {
            while let peer = listener.accept() {
                peer.writeAll(lines.utf8)
                peer.finishWriting()
                peers.append(peer)
            }
        }
        defer { ticker.cancel() }
        return (tool.waitForExit(), tool.text)
    }

    private func report(size: Int, text: String) -> String {
        #"{"messages":[{"connection":"1.1","direction":"toServer","time":1,"sequence":0,"size":\#(size),"#
            + #""text":"\#(text)"}],"lost":0}"#
    }

    @Test(arguments: [(-1, ""), (.min, ""), (2, "abc"), (.min, "abc")])
    func `a size that cannot be ends the recording of a hostile server`(_ size: Int, _ text: String) throws {
        let (status, output) = try recordHostile([report(size: size, text: text)])
        #expect(status == 1)
        #expect(output.contains("the server reports \(text.utf8.count) bytes of a message of \(size)"), "\(output)")
    }

    @Test func `numbers of a hostile server that exceed all others are recorded`() throws {
        let lost = #"{"messages":[],"lost":\#(Int.max)}"#
        let (status, output) = try recordHostile(
            [report(size: .max, text: "abc"), report(size: .max, text: ""), lost, lost])
        #expect(status == 1)
        #expect(output.contains("recorded 2 messages, "), "\(output)")
        let recording = try Recording(contentsOf: file)
        #expect(recording.messages.map(\.byteCount) == [.max, .max])
        #expect(recording.events.contains(.lost(.max)))
    }

    @Test func `a negative number of lost messages ends the recording of a hostile server`() throws {
        let (status, output) = try recordHostile([#"{"messages":[],"lost":-1}"#])
        #expect(status == 1)
        #expect(output.contains("the server reports -1 lost messages"), "\(output)")
    }

    @Test(arguments: [
        (["record", "@x", "f", "--count", "0", "--between"], "--count is at least 1"),
        (["record", "@x", "f", "--any-user"], "--any-user is for --between"),
        (["record", "@x", "f", "--framing", "newline"], "--framing and --max-message are for --between"),
        (["record", "nats://x/y", "f"], "is invalid for '<address>'"),
    ])
    func `mistakes are named`(_ arguments: [String], _ text: String) throws {
        let tool = try Tool(reactor, arguments, assignment: "ASAN_OPTIONS=detect_leaks=0")
        #expect(tool.waitForExit() == 2)
        #expect(tool.text.contains(text), "\(tool.text)")
    }
}

extension RecordingDecoder {
    /// Nil if a block is damaged.
    fileprivate static func wholeBlocks(in bytes: [UInt8]) -> Recording? {
        var decoder = RecordingDecoder()
        do {
            try decoder.append(bytes)
            return try decoder.finish()
        } catch {
            return nil
        }
    }
}
