// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeTestSupport
import Testing

/// A client whose other end is a program that it starts.
@Suite struct `A client that starts a program` {
    private static let lines: PipeClient.Configuration = .init(framing: DelimiterFraming.newline)

    private static func shell(_ script: String, _ channel: PipeCommand.Channel = .standardStreams) -> PipeCommand {
        var command: PipeCommand = ["/bin/sh", "-c", script]
        command.channel = channel
        return command
    }

    private func client(
        _ loop: Loop, _ command: PipeCommand, _ configuration: PipeClient.Configuration = lines
    ) -> (PipeClient, Recorder) {
        let recorder = loop.recorder()
        let client = PipeClient(
            spawning: command, configuration: configuration, reactor: loop.reactor, delegate: recorder)
        client.connect()
        return (client, recorder)
    }

    /// Whether a process exists, also as a zombie.
    private func exists(_ processID: Int32) -> Bool { kill(processID, 0) == 0 }

    @Test func `speaks to its standard streams`() throws {
        try withLoop { loop in
            let (client, recorder) = client(loop, Self.shell("exec cat"))
            try #require(loop.run { recorder.openCount == 1 })
            try client.send("there and back")
            try #require(loop.run { recorder.texts.count == 1 })
            #expect(recorder.texts == ["there and back"])
            let processID = try #require(client.programID)
            #expect(client.connection?.peer.processID == processID)
            #expect(client.connection?.peer.userID == geteuid())
            client.disconnect()
            try #require(loop.run { recorder.states.last == .disconnected })
            #expect(recorder.reasons == [.closedLocally])
            #expect(!exists(processID))
        }
    }

    @Test func `speaks over a socket, which the program finds in its environment`() throws {
        try withLoop { loop in
            let script = "echo \"$NAMED_PIPES_FD\" >&3; exec cat <&3 >&3"
            let (client, recorder) = client(loop, Self.shell(script, .socket))
            try #require(loop.run { recorder.openCount == 1 })
            try client.send("there and back")
            try #require(loop.run { recorder.texts.count == 2 })
            #expect(recorder.texts == ["3", "there and back"])
            client.disconnect()
            try #require(loop.run { recorder.states.last == .disconnected })
        }
    }

    @Test(arguments: [PipeCommand.Channel.standardStreams, .socket])
    func `delivers all that it sent, and says how it ended`(channel: PipeCommand.Channel) throws {
        try withLoop { loop in
            let output = channel == .socket ? 3 : 1
            let (client, recorder) = client(loop, Self.shell("seq 20000 >&\(output); exit 7", channel))
            try #require(loop.run { client.programID != nil })
            let processID = try #require(client.programID)
            try #require(loop.run { recorder.reasons.count == 1 })
            #expect(recorder.texts == (1...20_000).map(String.init))
            #expect(recorder.reasons == [.programEnded(.exited(7))])
            #expect(!exists(processID))
            #expect(client.state == .idle)
        }
    }

    @Test func `says which signal ended it, also in the middle of a message`() throws {
        try withLoop { loop in
            let (_, recorder) = client(loop, Self.shell("printf 'half a line'; kill -9 $$"))
            try #require(loop.run { recorder.reasons.count == 1 })
            #expect(recorder.reasons == [.programEnded(.signaled(SIGKILL))])
            #expect("\(DisconnectReason.programEnded(.signaled(9)))" == "closed: the program was ended by signal 9")
        }
    }

    @Test func `ends although the program's own child keeps the other end`() throws {
        try withLoop { loop in
            // The background process has the pipes for as long as the test lets it.
            let (client, recorder) = client(loop, Self.shell("echo last; sleep 1000 & exit 3"))
            try #require(loop.run { client.programID != nil })
            let group = try #require(client.programID)
            try #require(loop.run { recorder.reasons.count == 1 })
            #expect(recorder.texts == ["last"])
            #expect(recorder.reasons == [.programEnded(.exited(3))])
            kill(-group, SIGKILL)
        }
    }

    @Test func `starts it again after its end, with a delay`() throws {
        try withLoop { loop in
            var configuration = Self.lines
            configuration.reconnection = PipeClient.Reconnection()
            configuration.reconnection?.initialDelay = .milliseconds(1)
            let (client, recorder) = client(loop, Self.shell("echo $$; exit 1"), configuration)
            try #require(loop.run { recorder.texts.count >= 3 })
            #expect(Set(recorder.texts).count == recorder.texts.count)
            #expect(recorder.reasons.allSatisfy { $0 == .programEnded(.exited(1)) })
            client.disconnect()
            try #require(loop.run { recorder.states.last == .disconnected })
            for text in recorder.texts { #expect(try !exists(#require(Int32(text)))) }
        }
    }

    @Test(arguments: [("trap 'exit 5' TERM", ChildExit.exited(5)), ("trap '' TERM", .signaled(SIGKILL))])
    func `ends one that does not end by itself`(trap: String, exit: ChildExit) throws {
        try withLoop { loop in
            // It closes its streams, so that the connection ends, and goes on.
            var command = Self.shell("\(trap); echo ready; exec <&- >&-; while :; do sleep 0.01; done")
            command.gracePeriod = .milliseconds(1)
            command.terminationPeriod = .milliseconds(exit == .exited(5) ? 60_000 : 1)
            let (_, recorder) = client(loop, command)
            try #require(loop.run { recorder.reasons.count == 1 })
            #expect(recorder.texts == ["ready"])
            #expect(recorder.reasons == [.programEnded(exit)])
        }
    }

    @Test func `says that there is no such program`() throws {
        try withLoop { loop in
            let (client, recorder) = client(loop, ["/no/such/program"])
            try #require(loop.run { recorder.failures.count == 1 })
            let error = SystemError(call: "posix_spawn", code: ENOENT)
            #expect(recorder.failures == [.cannotStart(program: "/no/such/program", error)])
            #expect(client.state == .idle)
        }
    }

    @Test(arguments: [PipeCommand.Channel.standardStreams, .socket])
    func `starts it in another directory, or says that there is none`(channel: PipeCommand.Channel) throws {
        try withLoop { loop in
            let scratch = Scratch()
            var command = Self.shell("pwd -P >&\(channel == .socket ? 3 : 1)", channel)
            command.directory = scratch.path
            let (_, recorder) = client(loop, command)
            try #require(loop.run { recorder.reasons.count == 1 })
            #expect(recorder.texts == [scratch.path] && recorder.reasons == [.programEnded(.exited(0))])
            command.directory = scratch.path("missing")
            let (_, other) = client(loop, command)
            try #require(loop.run { other.failures.count == 1 })
            let error = SystemError(call: "posix_spawn", code: ENOENT)
            #expect(other.failures == [.cannotStart(program: "/bin/sh", error)])
        }
    }

    @Test func `gives it no descriptor of ours, and no signal of ours`() async {
        await #expect(processExitsWith: .success) { try inspectProgram() }
    }

    @Test func `ends and collects it when the reactor stops`() throws {
        var processID: Int32 = 0
        try withLoop { loop in
            let (client, recorder) = client(loop, Self.shell("exec cat"))
            try #require(loop.run { recorder.openCount == 1 })
            processID = try #require(client.programID)
        }
        // On a thread of its own, which nobody waits for but this test.
        let loop = try Loop()
        #expect(loop.poll { !exists(processID) })
        #expect(loop.end() == [])
    }

    @Test func `runs a task with it, which sees its end`() async throws {
        let (texts, reason) = try await PipeClient.withConnection(
            spawning: Self.shell("echo hello; read answer; exit $answer"), configuration: Self.lines
        ) { connection in
            let first = try await connection.nextMessage().flatMap { String(copying: $0) }
            try await connection.send("4")
            return (first, try await connection.waitForEnd())
        }
        #expect(texts == "hello")
        #expect(reason == .programEnded(.exited(4)))
    }
}

/// In a process of its own, whose signals it changes.
private func inspectProgram() throws {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGUSR1, SIG_IGN)
    var blocked = sigset_t()
    unsafe sigemptyset(&blocked)
    unsafe sigaddset(&blocked, SIGUSR2)
    unsafe pthread_sigmask(SIG_BLOCK, &blocked, nil)
    // Not close-on-exec, as a careless program leaves them.
    let careless = dup(0)
    try withLoop { loop in
        let recorder = loop.recorder()
        var command: PipeCommand = [
            "/bin/sh", "-c", "ls /proc/self/fd | wc -l; grep -E 'SigIgn|SigBlk' /proc/self/status",
        ]
        command.channel = .standardStreams
        let client = PipeClient(
            spawning: command, configuration: .init(framing: DelimiterFraming.newline), reactor: loop.reactor,
            delegate: recorder)
        client.connect()
        try #require(loop.run { recorder.reasons.count == 1 })
        let words = recorder.texts.map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
        // 0, 1, 2, and the directory that ls reads.
        #expect(words.first == ["4"])
        // posix_spawn(3) of glibc leaves the two signals ignored that the C library reserves for itself, 32 and 33.
        let allowed = ["0000000000000000", "0000000180000000"]
        #expect(words.dropFirst().allSatisfy { allowed.contains($0.last ?? "") })
        #expect(words.count == 3)
    }
    close(careless)
}
