// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

/// A server whose name another process took away. The delegate is told at once, except where a test says otherwise.
@Suite struct `A server that loses its name` {
    private let scratch = Scratch()

    private func server(
        _ loop: Loop, _ policy: PipeServer.NameLossPolicy = .report, _ name: String = "pipe"
    ) throws -> (PipeServer, Recorder) {
        var configuration = PipeServer.Configuration()
        configuration.nameLoss = policy
        let found = try loop.server(configuration, at: scratch.address(name))
        loop.settle()
        return found
    }

    @Test func `13 · because it was deleted reports it, and goes on with its connections`() throws {
        try withLoop { loop in
            let (server, recorder) = try server(loop)
            let (client, atClient) = loop.client(to: try scratch.address())
            try #require(loop.run { atClient.openCount == 1 && recorder.openCount == 1 })
            #expect(server.isPublished)
            #expect(unsafe unlink(scratch.path("pipe")) == 0)
            #expect(loop.run { !recorder.losses.isEmpty })
            #expect(recorder.losses == [.removed])
            #expect(!server.isPublished && server.isListening)
            try client.send("still there?")
            #expect(loop.run { recorder.texts == ["still there?"] })
            server.stop()
            #expect(loop.run { recorder.stopCount == 1 })
        }
    }

    @Test func `13 · because it was replaced reports it, and leaves the replacement alone`() throws {
        try withLoop { loop in
            let (server, recorder) = try server(loop)
            makeFile(scratch.path("other"))
            #expect(unsafe rename(scratch.path("other"), scratch.path("pipe")) == 0)
            #expect(loop.run { !recorder.losses.isEmpty })
            #expect(recorder.losses == [.replaced])
            server.stop()
            #expect(loop.run { recorder.stopCount == 1 })
            #expect(contents(of: scratch.path("pipe")) == "precious")
        }
    }

    @Test func `13 · because another server has it does not take that for a hand-over`() throws {
        try withLoop { loop in
            let (server, recorder) = try server(loop)
            let foreign = ForeignSocket(at: try scratch.address("other"))
            #expect(unsafe rename(scratch.path("other"), scratch.path("pipe")) == 0)
            #expect(loop.run { !recorder.losses.isEmpty })
            #expect(recorder.losses == [.replaced])
            #expect(server.isListening)
            withExtendedLifetime(foreign.descriptor) {}
        }
    }

    @Test func `13 · because its directory was removed reports it`() throws {
        try withLoop { loop in
            makeDirectory(scratch.path("a"))
            let (_, recorder) = try server(loop, .report, "a/pipe")
            Child.run("/bin/rm", "-rf", scratch.path("a"))
            #expect(loop.run { !recorder.losses.isEmpty })
            #expect(recorder.losses == [.removed])
        }
    }

    @Test func `13 · because its directory was moved notices that within half a minute`() throws {
        try withLoop { loop in
            makeDirectory(scratch.path("a"))
            let name = try publish(scratch.address("a/pipe"))
            var losses: [NameLoss] = []
            // Only on the timer, which is the same look at longer intervals: moving a directory gives no event.
            let keeper = NameMonitor(loop.reactor, name, nil) { event in
                if case .didLoseName(let loss) = event { losses.append(loss) }
            }
            loop.settle()
            #expect(unsafe rename(scratch.path("a"), scratch.path("b")) == 0)
            #expect(loop.run { !losses.isEmpty })
            #expect(losses == [.removed])
            keeper.end()
            name.close()
            #expect(namesIn(scratch.path("b")) == [".pipe.lock"])
        }
    }

    @Test func `13 · and gets it back from the process that took it reports that, too`() throws {
        try withLoop { loop in
            let (server, recorder) = try server(loop)
            #expect(unsafe rename(scratch.path("pipe"), scratch.path("away")) == 0)
            #expect(loop.run { recorder.losses == [.removed] })
            #expect(unsafe rename(scratch.path("away"), scratch.path("pipe")) == 0)
            #expect(loop.run { recorder.regainCount == 1 })
            #expect(server.isPublished)
            #expect(connecting(to: try scratch.address()) == 0)
        }
    }

    @Test func `13 · may publish it again, and keeps its connections and waiting clients`() throws {
        try withLoop { loop in
            let (server, recorder) = try server(loop, .republish)
            let (client, atClient) = loop.client(to: try scratch.address())
            try #require(loop.run { atClient.openCount == 1 && recorder.openCount == 1 })
            let waiting = try RawPeer(connectingTo: scratch.address())
            waiting.writeAll(frame("from the old queue"))
            #expect(unsafe unlink(scratch.path("pipe")) == 0)
            #expect(loop.run { recorder.regainCount == 1 })
            #expect(recorder.losses == [.removed])
            #expect(server.isPublished)
            let new = try RawPeer(connectingTo: scratch.address())
            new.writeAll(frame("from the new one"))
            try client.send("all the time")
            #expect(loop.run { recorder.messageCount == 3 })
            #expect(Set(recorder.texts) == ["from the old queue", "from the new one", "all the time"])
            for _ in 0..<3 {
                let count = recorder.regainCount
                #expect(unsafe unlink(scratch.path("pipe")) == 0)
                #expect(loop.run { recorder.regainCount == count + 1 })
            }
            server.stop()
            #expect(loop.run { recorder.stopCount == 1 })
            #expect(scratch.names == [".pipe.lock"])
        }
    }

    @Test func `13 · also publishes it again when the directory was deleted and made anew`() throws {
        try withLoop { loop in
            makeDirectory(scratch.path("a"))
            let (server, recorder) = try server(loop, .republish, "a/pipe")
            Child.run("/bin/rm", "-rf", scratch.path("a"))
            makeDirectory(scratch.path("a"))
            #expect(loop.run { recorder.regainCount == 1 })
            #expect(server.isPublished)
            #expect(connecting(to: try scratch.address("a/pipe")) == 0)
            #expect(namesIn(scratch.path("a")) == [".pipe.lock", "pipe"])
        }
    }

    @Test func `13 · does not publish it over another file in its place`() throws {
        try withLoop { loop in
            let (server, recorder) = try server(loop, .republish)
            let foreign = ForeignSocket(at: try scratch.address("other"))
            #expect(unsafe rename(scratch.path("other"), scratch.path("pipe")) == 0)
            #expect(loop.run { recorder.losses == [.replaced] })
            loop.settle()
            #expect(!server.isPublished)
            #expect(recorder.regainCount == 0)
            #expect(connecting(to: try scratch.address()) == 0)
            #expect(acceptsClient(foreign.descriptor))
            server.stop()
            #expect(loop.run { recorder.stopCount == 1 })
            #expect(scratch.names == [".pipe.lock", "pipe"])
        }
    }

    @Test func `13 · and cannot publish it again reports why, once for each reason, and publishes when it can`() throws
    {
        try withLoop { loop in
            makeDirectory(scratch.path("a"))
            var configuration = PipeServer.Configuration()
            configuration.nameLoss = .republish
            configuration.republishInterval = .milliseconds(5)
            let (server, recorder) = try loop.server(configuration, at: scratch.address("a/pipe"))
            loop.settle()
            #expect(unsafe rename(scratch.path("a"), scratch.path("b")) == 0)
            #expect(unsafe unlink(scratch.path("b/pipe")) == 0)
            let missing = PipeError.unusableLocation(path: scratch.path("a"), .missingDirectory)
            #expect(loop.run { !recorder.republishErrors.isEmpty })
            loop.run(for: .milliseconds(50))
            #expect(recorder.losses == [.removed])
            #expect(recorder.republishErrors == [missing])

            makeDirectory(scratch.path("a"), mode: 0o777)
            #expect(loop.run { recorder.republishErrors.count == 2 })
            let insecure = UnusableLocation.insecureDirectory(owner: geteuid(), mode: 0o777)
            #expect(recorder.republishErrors.last == .unusableLocation(path: scratch.path("a"), insecure))
            #expect(!server.isPublished && recorder.regainCount == 0)

            setMode(0o700, of: scratch.path("a"))
            #expect(loop.run { recorder.regainCount == 1 })
            #expect(server.isPublished && recorder.republishErrors.count == 2)
            #expect(connecting(to: try scratch.address("a/pipe")) == 0)
        }
    }

    @Test func `13 · and is stopped by its delegate reports no failure to publish it again`() throws {
        try withLoop { loop in
            makeDirectory(scratch.path("a"))
            let (_, recorder) = try server(loop, .republish, "a/pipe")
            recorder.whenLost = { server, _ in server.stop() }
            Child.run("/bin/rm", "-rf", scratch.path("a"))
            #expect(loop.run { recorder.stopCount == 1 })
            #expect(recorder.losses == [.removed] && recorder.republishErrors == [])
        }
    }

    @Test(arguments: [PipeServer.NameLossPolicy.report, .republish])
    func `13 · may be stopped in the report of the loss`(_ policy: PipeServer.NameLossPolicy) throws {
        try withLoop { loop in
            let (_, recorder) = try server(loop, policy)
            recorder.whenLost = { server, _ in server.stop() }
            #expect(unsafe unlink(scratch.path("pipe")) == 0)
            #expect(loop.run { recorder.stopCount == 1 })
            #expect(recorder.losses == [.removed])
            #expect(recorder.regainCount == 0)
        }
    }
}
