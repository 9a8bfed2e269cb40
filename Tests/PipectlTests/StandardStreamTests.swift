// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import Testing

@testable import pipectl

/// Connections without a name: over standard input and output, and to a command.
@Suite(.timeLimit(.minutes(5)))
struct StandardStreamTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    private func shell(_ script: String) throws -> (status: Int32?, lines: [String]) {
        let tool = try Tool(reactor, command: ["/bin/sh", "-c", script, Tool.program], errors: .merged)
        tool.endInput()
        let status = tool.waitForExit()
        return (status, tool.lines)
    }

    @Test func `echo speaks over its standard streams, until the input ends`() throws {
        let echo = try Tool(reactor, ["echo", "--stdio", "--framing", "newline"])
        echo.write("hello\n")
        echo.waitFor("hello\n")
        echo.write("there\n")
        echo.endInput()
        #expect(echo.waitForExit() == 0)
        #expect(echo.lines == ["hello", "there"])
    }

    @Test func `send writes to a pipe what echo reads from it`() throws {
        let script = "\"$0\" send --stdio one 'two words' /three | \"$0\" echo --stdio | tail -c +5 | head -c 3"
        let result = try shell(script)
        #expect(result.status == 0)
        // Behind the length of the first message, without a line feed.
        let whole = try shell("\(script); echo")
        #expect(whole.lines == ["one"])
    }

    @Test func `send prints the replies on standard error`() throws {
        let script = """
            d=$(mktemp -d); mkfifo $d/back
            "$0" send --stdio --reply --framing newline one two <$d/back 2>$d/replies | "$0" echo --stdio \
            --framing newline >$d/back
            cat $d/replies; rm -r $d
            """
        #expect(try shell(script).lines == ["one", "two"])
    }

    @Test func `echo reads a file and writes another`() throws {
        let script = """
            d=$(mktemp -d); seq 100000 >$d/in
            "$0" echo --stdio --framing newline <$d/in >$d/out && cmp $d/in $d/out && echo same; rm -r $d
            """
        #expect(try shell(script).lines == ["same"])
    }

    @Test func `echo says why it ended, on standard error`() throws {
        let cut = try shell("printf '\\0\\0\\0\\011short' | \"$0\" echo --stdio")
        #expect(cut.status == 1)
        #expect(cut.lines.last?.contains("in the middle of a message, 4 bytes short") == true)
        let closed = try shell("\"$0\" echo --stdio <&-")
        #expect(closed.lines.last?.contains("descriptor 0 is not open") == true || closed.status == 0)
    }

    @Test func `connect starts a command, and prints what it says`() throws {
        let result = try run(
            reactor, "connect", "--exec", "sed -u 's/^/> /'", "--framing", "newline", input: "one\ntwo\n")
        #expect(result.status == 0)
        #expect(result.lines == ["> one", "> two"])
    }

    @Test func `connect reports a command that fails`() throws {
        let result = try run(reactor, "connect", "--exec", "echo last; exit 3", "--framing", "newline", "--stay")
        #expect(result.status == 1)
        #expect(result.lines.first == "last")
        #expect(result.lines.last?.contains("the program exited with status 3") == true)
    }

    @Test func `refuses options that do not go together`() throws {
        #expect(try run(reactor, "echo", name, "--stdio").status == 2)
        #expect(try run(reactor, "connect", name, "--exec", "cat").status == 2)
        #expect(try run(reactor, "connect").lines.contains { $0.contains("Missing expected argument '<address>'") })
        #expect(try run(reactor, "send").lines.contains { $0.contains("Missing expected argument '<address>'") })
    }

    @Test func `listen receives from a FIFO`() throws {
        let path = try #require(try PipeAddress.unique(prefix: "pipectl-test").path)
        let listen = try Tool(reactor, ["listen", "fifo:\(path)", "--framing", "newline"])
        listen.waitFor("listening on fifo:\(path)\n")
        _ = try shell("echo one >'\(path)'; echo two >'\(path)'")
        listen.waitFor("one\ntwo\n")
        listen.terminate()
        #expect(listen.waitForExit() == 0)
        #expect(unsafe access(path, F_OK) != 0)
        removeLeftovers(of: path)
    }

    @Test(.enabled(if: isInetdThere, "systemd-socket-activate is not installed"))
    func `echo serves the clients of inetd, one process each`() throws {
        let path = try #require(try PipeAddress.unique(prefix: "pipectl-test").path)
        defer { removeLeftovers(of: path) }
        let inetd = try Tool(
            reactor,
            command: [
                "systemd-socket-activate", "--inetd", "--accept", "--listen", path, Tool.program, "echo", "--stdio",
            ], errors: .merged)
        inetd.waitFor("Listening on \(path)")
        for text in ["first", "second"] {
            #expect(try run(reactor, "send", path, text, "--reply", "--wait", errors: .dropped).lines == [text])
        }
        inetd.terminate()
        _ = inetd.waitForExit()
    }
}

private let isInetdThere = unsafe access("/usr/bin/systemd-socket-activate", X_OK) == 0
