// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import FoundationEssentials
import Glibc
import NamedPipes
import Testing

@testable import pipectl

/// What `make install` installs, from the program that these tests run.
@Suite(.timeLimit(.minutes(5)))
struct InstallationTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    /// The commands of the program.
    private static let commands = Pipectl.configuration.subcommands.map { $0._commandName }

    private func install() throws -> Directory {
        guard isInstalled("python3") else { try Test.cancel("needs python3") }
        let directory = try Directory()
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Sources/pipectl/Packaging/install").standardized.path
        let tool = try Tool(
            reactor, command: [script, Tool.program], errors: .merged,
            assignment: "DESTDIR='\(directory.path)' PREFIX=/usr")
        #expect(tool.waitForExit() == 0, "\(tool.text)")
        #expect(tool.lines == ["installed pipectl \(Version.current) in \(directory.path)/usr"])
        return directory
    }

    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test func `program, manual, completions and units are installed`() throws {
        let root = try install()
        let usr = root.path + "/usr"
        #expect(unsafe access(usr + "/bin/pipectl", X_OK) == 0)
        let manual = try text(usr + "/share/man/man1/pipectl.1")
        for command in Self.commands {
            #expect(manual.contains("\n\\fB\(command)\\fR\n"))
            let page = try text(usr + "/share/man/man1/pipectl-\(command).1")
            #expect(page.hasPrefix(".TH \"PIPECTL-\(command.uppercased())\" \"1\""))
            #expect(page.contains("\n.SH NAME\npipectl\\-\(command) \\- "))
            #expect(page.contains("\n.SH OPTIONS\n") && page.contains("\n.SH SYNOPSIS\n\\fBpipectl \(command)\\fR "))
        }
        let places = [
            "bash-completion/completions/pipectl", "zsh/site-functions/_pipectl",
            "fish/vendor_completions.d/pipectl.fish",
        ]
        for place in places { #expect(try text("\(usr)/share/\(place)").contains("pipectl")) }
        #expect(try text("\(usr)/share/pipectl/namedpipes.lua").contains("wtap.USER0"))
        for unit in ["serve", "relay"] {
            let unit = try text("\(usr)/lib/systemd/system/pipectl-\(unit)@.service")
            #expect(unit.contains("\nExecStart=/usr/bin/pipectl ") && !unit.contains("@PREFIX@"))
        }
    }

    @Test func `the manual has no mistakes, as far as groff knows`() throws {
        guard isInstalled("groff") else { try Test.cancel("needs groff") }
        let root = try install()
        for command in Self.commands {
            let page = "\(root.path)/usr/share/man/man1/pipectl-\(command).1"
            let tool = try Tool(
                reactor, command: ["groff", "-K", "utf8", "-man", "-ww", "-z", page], errors: .merged)
            #expect(tool.waitForExit() == 0 && tool.text == "", "\(command): \(tool.text)")
        }
    }

    @Test func `bash completes commands, framings and live addresses`() throws {
        guard isInstalled("bash") else { try Test.cancel("needs bash") }
        let server = try serve(reactor, "echo", name)
        let script = """
            PATH=$(dirname "$1"):$PATH
            eval "$(pipectl --generate-completion-script bash)"
            complete_words() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
                COMPREPLY=(); _pipectl pipectl "${@: -1}" "${@: -2:1}"; printf '%s\\n' "${COMPREPLY[@]}"; echo -; }
            complete_words pipectl doc
            complete_words pipectl send "$2"
            complete_words pipectl send "$3" --framing new
            """
        let tool = try Tool(
            reactor, command: ["bash", "-c", script, "bash", Tool.program, String(name.dropLast(3)), name],
            errors: .merged)
        #expect(tool.waitForExit() == 0)
        let found = tool.lines.map { $0.split(separator: " ").joined() }
        #expect(found == ["doctor", "-", name, "-", "newline", "-"], "\(tool.text)")
        _ = server
    }

    @Test func `a bare name completes a name of the runtime directory`() throws {
        let path = try #require(try PipeAddress.runtime("thermostat").path)
        let pipes = [path, path + ".stat", "@abstract", "/elsewhere/thermostat", "/elsewhere/x.stat"]
        #expect(CompletionKind.addresses(of: pipes, completing: "ther") == ["thermostat"])
        #expect(CompletionKind.addresses(of: pipes, completing: "@") == ["@abstract"])
        #expect(CompletionKind.addresses(of: pipes, completing: String(path.prefix(4))).contains(path))
        let all = CompletionKind.addresses(of: pipes, completing: "")
        #expect(all == ["thermostat", "@abstract", "/elsewhere/thermostat", "/elsewhere/x.stat"])
    }
}
