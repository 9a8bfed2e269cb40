// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Synchronization
import Testing

@testable import NamedPipes

@Suite struct `A hand-over` {
    private let scratch = Scratch()

    @Test func `61 · gives the name to the successor; the predecessor serves its clients, is told, and stops`()
        throws
    {
        try withLoop { loop in
            let address = try scratch.address()
            let (_, recorder) = try loop.server(at: address)
            let early = try RawPeer(connectingTo: address)
            early.writeAll(frame("early"))
            let start = Start { try NeighbourServer.successor(at: address) }
            #expect(loop.poll { start.hasEnded })
            let successor = try start.get()
            #expect(connecting(to: address) == 0)
            #expect(loop.run { recorder.stopCount == 1 })
            #expect(recorder.losses == [.takenOver(processID: getpid())])
            #expect(recorder.texts == ["early"], "the client that waited in the queue is served")
            #expect(recorder.reasons == [.serverStopped] || recorder.reasons == [.closedLocally])
            #expect(scratch.names == [".pipe.lock", "pipe"])
            #expect(connecting(to: address) == 0, "the end of the predecessor leaves the successor's name alone")
            #expect(successor.events == [])
        }
    }

    @Test func `61 · lets the predecessor also serve a client that had looked up its socket before`() throws {
        try withLoop { loop in
            let address = try scratch.address()
            let (_, recorder) = try loop.server(at: address)
            // A second name of the socket stands for the moment between lookup and connect, inside connect(2).
            #expect(unsafe link(scratch.path("pipe"), scratch.path("looked-up")) == 0)
            let start = Start { try NeighbourServer.successor(at: address) }
            #expect(loop.poll { start.hasEnded })
            let successor = try start.get()
            #expect(loop.run { !recorder.losses.isEmpty })
            loop.settle()
            let late = try RawPeer(connectingTo: scratch.address("looked-up"))
            late.writeAll(frame("late"))
            #expect(loop.run { recorder.stopCount == 1 })
            #expect(recorder.texts == ["late"])
            #expect(connecting(to: try scratch.address("looked-up")) == ECONNREFUSED)
            withExtendedLifetime(successor) {}
        }
    }

    @Test func `61 · works with a server of an earlier version, which does not say which socket is its own`() throws {
        try withLoop { loop in
            let address = try scratch.address()
            let (_, recorder) = try loop.server(at: address)
            let lock = unsafe open(scratch.path(".pipe.lock"), O_WRONLY | O_TRUNC | O_CLOEXEC)
            unsafe #expect(write(lock, "4711\n", 5) == 5)
            close(lock)
            try expectTakeOver(of: address, on: loop, recorder, losses: [.takenOver(processID: getpid())])
        }
    }

    @Test func `61 · of a name without a server is a plain start`() throws {
        let address = try scratch.address()
        _ = try NeighbourServer.successor(at: address)
        leaveStaleSocket(at: address)
        _ = try NeighbourServer.successor(at: address)
    }

    @Test func `61 · under load fails no connect and loses no request`() throws {
        // The full count: NAMED_PIPES_HAND_OVER_CONNECTS=1000000.
        let goal = unsafe getenv("NAMED_PIPES_HAND_OVER_CONNECTS").flatMap { unsafe Int(String(cString: $0)) } ?? 10_000
        let address = try scratch.address()
        var servers = [try NeighbourServer.successor(at: address)]
        let clients = Hammer(address, threads: 2)
        var count = 0
        while clients.connectCount < goal || count < 10 {
            servers.append(try NeighbourServer.successor(at: address))
            count += 1
            // Predecessors leave by themselves.
            while servers.count > 20, servers[0].hasStopped { servers.removeFirst() }
        }
        let failures = clients.stop()
        #expect(failures == [:], "in \(clients.connectCount) connects over \(count) hand-overs")
        for server in servers.dropLast() { #expect(waitUntil { server.hasStopped }) }
        #expect(servers.last?.events == [])
        print("61 · \(clients.connectCount) connects over \(count) hand-overs, failed: \(failures)")
    }

    @Test func `61 · is asked of a server that hangs for a limited time, and leaves it the name`() throws {
        try withLoop { loop in
            let address = try scratch.address()
            let (server, recorder) = try loop.server(at: address)
            // Its loop does not run meanwhile.
            let error = #expect(throws: PipeError.self) {
                try NeighbourServer.successor(at: address, patience: .milliseconds(50))
            }
            #expect(error == .takeOverTimedOut(address, holder: getpid()))
            loop.settle()
            #expect(recorder.losses == [])
            #expect(server.isPublished)
            #expect(throws: PipeError.addressInUse(address, holder: getpid())) { try publish(address) }
            #expect(connecting(to: address) == 0)
        }
    }

    @Test func `61 · that is broken off gives the lock back to the predecessor`() throws {
        try withLoop { loop in
            let address = try scratch.address()
            let (server, recorder) = try loop.server(at: address)
            let candidate = try Candidate(at: scratch.path(".pipe.lock"))
            // A candidate that also has the lock, and dies with both.
            #expect(loop.poll { candidate.takesLock() })
            loop.settle()
            #expect(throws: PipeError.addressInUse(address, holder: getpid())) { try publish(address) }
            candidate.end()
            #expect(loop.poll { candidate.isLockTaken(at: scratch.path(".pipe.lock")) })
            #expect(server.isPublished)
            #expect(recorder.losses == [])
            let start = Start { try NeighbourServer.successor(at: address) }
            #expect(loop.poll { start.hasEnded })
            _ = try start.get()
            #expect(loop.run { recorder.stopCount == 1 })
        }
    }

    /// The first server's loop has been held up, and does not know yet that the second one has the name.
    @Test func `61 · to a third server is not disturbed by the first one, which is late`() throws {
        let address = try scratch.address()
        let directory = try Directory.open(scratch.path, verifies: false)
        makeFile(scratch.path("socket"))
        let socket = try FileStatus(following: scratch.path("socket")).identity
        var first = try NameLock.take(for: address, "pipe", in: directory)
        first.giveUp()
        var second = try NameLock.take(for: address, "pipe", in: directory)
        second.didPlace(socket)
        let third = try Candidate(at: scratch.path(".pipe.lock"))
        second.giveUp()
        let isDisturbed = first.takeBack()
        #expect(!isDisturbed)
        #expect(third.takesLock())
        let record = NameLock.record(in: second.file)
        #expect(record.socket == socket)
        // The third one is gone: whoever looks first has the lock.
        third.end()
        let outcomes = [second.takeBack(), first.takeBack()]
        #expect(outcomes == [true, false])
    }

    @Test func `61 · leaves the name alone when the predecessor is stopped in the midst of it`() throws {
        try withLoop { loop in
            let address = try scratch.address()
            let (server, recorder) = try loop.server(at: address)
            let candidate = try Candidate(at: scratch.path(".pipe.lock"))
            #expect(loop.poll { candidate.takesLock() })
            // The successor has the lock, so it alone may touch the name.
            server.stop()
            #expect(loop.run { recorder.stopCount == 1 })
            #expect(scratch.names == [".pipe.lock", "pipe"])
            candidate.end()
            _ = try publish(address)
        }
    }

    @Test func `61 · by several at once leaves one owner at any time, and fails no connect`() throws {
        let address = try scratch.address()
        let first = try NeighbourServer.successor(at: address)
        let clients = Hammer(address, threads: 1)
        let servers = Mutex<[NeighbourServer]>([])
        onThreads(4) { _ in
            for _ in 0..<15 {
                do {
                    let server = try NeighbourServer.successor(at: address)
                    servers.withLock { $0.append(server) }
                } catch PipeError.addressInUse(_, _) {
                    // Another process was the candidate.
                } catch {
                    Issue.record(error)
                }
            }
        }
        #expect(clients.stop() == [:])
        let successors = servers.withLock { $0 }
        #expect(!successors.isEmpty)
        #expect(waitUntil { ([first] + successors).count { !$0.hasStopped } == 1 })
        #expect(connecting(to: address) == 0)
    }

    @Test func `61 · is not possible for a server that does not know the lock, or has no file`() throws {
        let address = try scratch.address()
        let foreign = ForeignSocket(at: address)
        #expect(throws: PipeError.addressInUse(address, holder: getpid())) {
            try publish(address, takeOverTimeout: Loop.patience)
        }
        #expect(acceptsClient(foreign.descriptor), "the question who it is")
        let abstract = try PipeAddress.abstract("door-test-\(UInt64.random(in: .min ... .max))")
        let name = try publish(abstract)
        #expect(throws: PipeError.addressInUse(abstract, holder: getpid())) {
            try publish(abstract, takeOverTimeout: Loop.patience)
        }
        withExtendedLifetime((foreign.descriptor, name)) {}
    }

    @Test func `61 · works on a timer where nothing can be watched`() throws {
        try withLoop { loop in
            let address = try scratch.address()
            let name = try publish(address)
            var losses: [NameLoss] = []
            let keeper = NameMonitor(loop.reactor, name, nil) {
                if case .didLoseName(let loss) = $0 { losses.append(loss) }
            }
            loop.settle()
            let start = Start { try NeighbourServer.successor(at: address) }
            #expect(loop.poll { start.hasEnded })
            let successor = try start.get()
            #expect(loop.run { !losses.isEmpty })
            #expect(losses == [.takenOver(processID: getpid())])
            keeper.end()
            name.close()
            #expect(connecting(to: address) == 0)
            withExtendedLifetime(successor) {}
        }
    }
}
