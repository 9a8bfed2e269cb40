// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

@testable import pipectl

@Suite(.timeLimit(.minutes(5)))
struct CommandLineTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    @Test(arguments: [["--version"], ["echo", "--version"]])
    func `the version is one line`(_ arguments: [String]) throws {
        let tool = try Tool(reactor, arguments)
        #expect(tool.waitForExit() == 0)
        #expect(tool.lines == ["pipectl \(Version.current)"])
    }

    @Test(arguments: [
        (["ech", "x"], "No command 'ech'. Did you mean 'echo'?"),
        (["sned"], "No command 'sned'. Did you mean 'send'?"),
        (["thermostat"], "No command 'thermostat'."),
        (["echo", "@x", "--framin", "raw"], "Unknown option '--framin'. Did you mean '--framing'?"),
        (["echo", "@x", "--framing", "legnth"], "No framing 'legnth'. Did you mean 'length'? Choose: length["),
        (["echo", "@x", "--framing", "xyzzy"], "No framing 'xyzzy'. Choose: length["),
        (["echo", "@x", "--framing", "raw", "--max-message", "0"], "--max-message is too small for this framing"),
        (["send", "@x", "--timeout", "soon"], "'--timeout <time>' (a time is 50us, 500ms, 5s or 2m, and 0 means no"),
        (["echo", "@x", "--max-message", "5XB"], "'--max-message <size>' (a size is 512, 64KiB or 16MiB)"),
        (["listen", "x", "--mode", "0999"], "(permission bits in octal, at most 0777, such as 0660)"),
        (["listen", "x", "--group", "no such"], "(no such group here; a number is possible, too)"),
        (["listen", "x", "--allow", "no such"], "(no such user or group here: a user is alice or 1000"),
        (["tap", "x", "--user", "no such"], "(no such user here; a number is possible, too)"),
        (["echo", "x", "--reactors", "0"], "(a number from 1 to 1024, or cores)"),
        (["replay", "x", "y", "--speed", "fast"], "(a factor such as 1, 10 or 0.5, or max)"),
        (["call", "x", "y", "--json"], "--json is for --list; a reply is JSON in any case"),
        (["record", "x", "-", "--json"], "--json needs a FILE: the recording is the output"),
        (["echo", "fifo:/tmp/x"], "a FIFO has one direction, and no answer comes back: pipectl listen reads it"),
        (["relay", "fifo:/tmp/x", "--to", "@x"], "a FIFO has one direction, and no answer comes back"),
        (["echo", "@x", "--framing", "length:3"], "No framing 'length:3'. Choose: length["),
        (["help", "lisen"], "No command 'lisen'. Did you mean 'listen'?"),
        (["echo", "--", "--help"], "a name that begins with '-' is given as a path"),
        (["send", "--", "--reply", "x"], "a name that begins with '-' is given as a path"),
    ])
    func `a mistake is named with its remedy`(_ arguments: [String], _ text: String) throws {
        // ArgumentParser exits while it still holds its own objects, which LeakSanitizer would count.
        let tool = try Tool(reactor, arguments, assignment: "ASAN_OPTIONS=detect_leaks=0")
        #expect(tool.waitForExit() == 2)
        #expect(tool.lines.first?.hasPrefix("Error: ") == true && tool.text.contains(text), "\(tool.text)")
    }

    @Test func `suggestions are close to the text, or not made`() {
        let words = ["echo", "listen", "send"]
        #expect(suggestion(for: "ehco", among: words) == " Did you mean 'echo'?")
        #expect(suggestion(for: "LISTEN", among: words) == " Did you mean 'listen'?")
        #expect(suggestion(for: "lisen", among: words) == " Did you mean 'listen'?")
        #expect(suggestion(for: "x", among: words) == "")
        #expect(suggestion(for: "", among: words) == "")
        #expect(suggestion(for: "dance", among: words) == "")
    }
}
