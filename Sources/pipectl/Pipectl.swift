// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// The exit statuses of `pipectl`, the same for every command.
enum ExitStatus: Int32 {
    case failed = 1
    case usage = 2
    case timedOut = 3
}

@main
struct Pipectl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipectl",
        abstract: "Message pipes from the command line: serve, listen, send, talk.",
        discussion: """
            ADDRESS is one of these:

              thermostat           a socket file in the runtime directory: /run for
                                   root, else $XDG_RUNTIME_DIR or /run/user/UID,
                                   else named-pipes-UID in $TMPDIR or /tmp
              /run/app/pipe.sock   a socket file at this path, at most 107 bytes
              @thermostat          an abstract name: no file, no permissions,
                                   any user may connect
              dotnet:thermostat    where .NET's NamedPipeServerStream listens
              nats://host/name     a name at a NATS broker, for clients and servers
                                   of any machine (tls://host/name with TLS)

            Sizes have units: 512, 64KiB, 16MiB, 1MB. So have times: 50us, 500ms, 5s, 2m; a time limit of 0 means no limit.

            Try it, in two terminals:

              pipectl echo demo
              pipectl send demo 'hello, pipe' --reply

            EXIT STATUS
              0   success
              1   failure: no server, a lost connection, a refused message
              2   the command line is wrong
              3   the time ran out

            Output that cannot be written and input that cannot be read are failures, with the system's reason. SIGINT, \
            SIGTERM and SIGHUP stop a command gracefully, unless it was started with them ignored. The guide "From the \
            command line" describes the treatment of all state that is inherited from a parent process.
            """,
        version: "pipectl \(Version.current)",
        subcommands: [
            Echo.self, Listen.self, Serve.self, Relay.self, Send.self, Connect.self, Call.self, Stat.self, List.self,
            Ping.self, Doctor.self, Top.self, Kick.self, Tap.self, Record.self, Replay.self, Bench.self,
            Demo.self,
        ])

    /// Runs the command line; the outcome becomes the exit status of the process.
    static func main() {
        do {
            let inherited = try Inheritance.takeOver()
            let arguments = inherited.arguments.texts
            try checkSubcommand(arguments)
            var command = try parseAsRoot(arguments)
            try command.run()
        } catch let failure as Failure {
            end(with: failure)
        } catch let error as SystemError {
            end(with: Failure("\(error)"))
        } catch {
            finish(error)
        }
    }

    private static func end(with failure: Failure) -> Never {
        StandardError.fail(failure)
        Glibc.exit(failure.status.rawValue)
    }

    /// Help and version are not failures; all other messages of ArgumentParser concern the command line.
    private static func finish(_ error: any Error) -> Never {
        let text = fullMessage(for: error)
        guard exitCode(for: error).isSuccess else {
            StandardError.write(shown(text) + "\n")
            Glibc.exit(ExitStatus.usage.rawValue)
        }
        do {
            try StandardOutput.print(text.isEmpty ? "" : text + "\n")
        } catch {
            end(with: error)
        }
        Glibc.exit(0)
    }

    /// ArgumentParser's text. Arguments in it that a terminal would obey, or that are not UTF-8, are escaped as
    /// everywhere else.
    private static func shown(_ text: String) -> String {
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let line = String(line) + exampleOfValue(in: String(line))
            return Arguments.plainText(line) == line ? printable(line) : printable(Arguments.bytes(of: line))
        }.joined(separator: "\n")
    }
}
