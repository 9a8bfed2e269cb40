// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Synchronization
import Testing

@testable import NamedPipes

/// The process as a whole runs out of these resources, so each test has a process of its own.
@Suite struct `At the limit of descriptors, a server` {
    @Test func `28 · hangs up on new clients, serves connected ones, costs nothing, and accepts again at once`() async {
        await #expect(processExitsWith: .success) { try shedAtTheLimit() }
    }

    @Test(.enabled(if: hasPython, "needs python3"))
    func `28 · hangs up at intervals while clients connect without end`() async {
        await #expect(processExitsWith: .success) { try shedWithoutEnd() }
    }

    @Test func `28 · whose reserve is lost lets clients wait, and accepts them when there is room`() async {
        await #expect(processExitsWith: .success) { try pauseWithoutReserve() }
    }

    @Test func `28 · rests where the whole system has no descriptor (ENFILE)`() async {
        await #expect(processExitsWith: .success) { try restWhileAcceptFails(with: ENFILE) }
    }

    @Test func `28 · rests where there is no memory (ENOBUFS, ENOMEM)`() async {
        await #expect(processExitsWith: .success) { try restWhileAcceptFails(with: ENOBUFS) }
        await #expect(processExitsWith: .success) { try restWhileAcceptFails(with: ENOMEM) }
    }

    @Test(arguments: [
        (ECONNABORTED, AcceptFailure.clientIsGone), (EPERM, .notNow), (EMFILE, .noDescriptor),
        (ENFILE, .noDescriptor), (ENOBUFS, .notNow), (ENOMEM, .notNow), (EINVAL, .never),
    ])
    func `28 · takes each failed accept for what it is`(_ code: Int32, _ meaning: AcceptFailure) {
        #expect(AcceptFailure(SystemError(call: "accept4", code: code)) == meaning)
    }

    @Test func `30 · ends a connection that epoll does not take, typed, and no other`() async {
        await #expect(processExitsWith: .success) { try openWithoutEpoll() }
    }

    @Test(.enabled(if: hasPython, "needs python3"))
    func `29 · leaks no descriptor to programs that are started meanwhile`() async {
        await #expect(processExitsWith: .success) { try startProgramsUnderLoad() }
    }
}

private func shedAtTheLimit() throws {
    limitDescriptors(to: 512)
    // Rests pass in virtual time, so that no limit of this test depends on the machine's speed.
    try withLoop(in: VirtualTime()) { loop in
        let (server, recorder) = try loop.server()
        let early = try RawPeer(connectingTo: loop.address)
        loop.reactor.settle()
        try #require(recorder.openCount == 1)
        let waiting = try (0..<300).map { _ in try RawPeer(connectingTo: loop.address) }
        let hoard = Hoard()
        // Each rest ends with at least one of the waiting clients.
        for _ in 0..<300 where server.statistics.refusedCount < 300 { loop.reactor.advance(by: Listener.restTime) }
        try #require(server.statistics.refusedCount == 300)
        #expect(loop.reactor.advance(by: .seconds(1)), "the loop never comes to rest")
        waiting.forEach { $0.readAll() }
        #expect(waiting.allSatisfy { $0.isAtEnd })
        #expect(server.statistics.refusedCounts == [.descriptorLimit: 300])
        // One a second; some of the 300 may take longer on a crowded machine.
        #expect(Set(recorder.refusals.map(\.refusal)) == [.descriptorLimit])
        #expect(recorder.refusals[0].error?.code == EMFILE && recorder.refusals[0].peer == nil)
        #expect(recorder.acceptErrors.isEmpty)
        early.writeAll(frame("still"))
        loop.reactor.settle()
        #expect(recorder.texts == ["still"])
        try recover(loop, server, hoard)
    }
}

/// The loop turns twice for each rest, for its end and for the next failed accept, and a few times for other timers:
/// the end of the window, and reports once a second. A listener that did not rest would turn it thousands of times. A
/// rest is never too short, so a slow machine makes fewer turns, not more.
///
/// That all of it takes 1 % of a CPU at most is for the hostile suite to measure, in an optimised build.
private func expectRest(_ loop: Loop) {
    let window = Duration.seconds(1)
    #expect(loop.turnCount(in: window) <= 2 * (1 + Int(window / Listener.restTime)) + 6)
}

/// A client that comes when there is room again is in 50 ms later, even if another was hung up on just before, which is
/// the worst moment.
private func recover(_ loop: Loop, _ server: PipeServer, _ hoard: Hoard) throws {
    let (open, refused) = (server.connectionCount, server.statistics.refusedCount)
    loop.reactor.advance(by: Listener.restTime)
    hoard.releaseOne()
    let knocking = try RawPeer(connectingTo: loop.address)
    hoard.fill()
    loop.reactor.settle()
    try #require(server.statistics.refusedCount == refused + 1)
    hoard.release()
    let peer = try RawPeer(connectingTo: loop.address)
    loop.reactor.settle()
    #expect(server.connectionCount == open, "the listener rests")
    loop.reactor.advance(by: .milliseconds(50))
    // The rest ends in the last turn of that; the next one finds the client.
    loop.reactor.settle()
    #expect(server.connectionCount == open + 1)
    withExtendedLifetime((knocking, peer)) {}
}

private func shedWithoutEnd() throws {
    limitDescriptors(to: 256)
    try withLoop { loop in
        let (server, recorder) = try loop.server()
        let attack = """
            peer.recv(1)
            while True:
                try:
                    with socket.socket(socket.AF_UNIX) as another: another.connect(address)
                except BlockingIOError: pass
            """
        let stranger = ForeignUser(attack, loop.address, privileges: nil)
        try #require(loop.poll { recorder.openCount == 1 })
        let hoard = Hoard()
        recorder.connections[0].close()
        try #require(loop.run { recorder.reasons.count == 1 })
        hoard.fill()
        try #require(loop.run { server.statistics.refusedCount > 0 })
        let (start, refused, told) = (ContinuousClock.now, server.statistics.refusedCount, recorder.refusals.count)
        expectRest(loop)
        try #require(loop.run { server.statistics.refusedCount - refused > 20 })
        #expect(recorder.refusals.count - told <= 1 + Int((ContinuousClock.now - start) / .seconds(1)))
        withExtendedLifetime((stranger, hoard)) {}
    }
}

private func pauseWithoutReserve() throws {
    limitDescriptors(to: 1000)
    try withLoop { loop in
        let (server, recorder) = try loop.server()
        let waiting = try (0..<Listener.shedLimit + 44).map { _ in try RawPeer(connectingTo: loop.address) }
        let hoard = Hoard()
        // Once given up, the reserve does not come back, as if another thread had taken it.
        try #require(SystemCallFilter.fail(.socket, with: EMFILE))
        try #require(loop.run { server.statistics.refusedCount > 0 })
        hoard.fill()
        let refused = server.statistics.refusedCount
        #expect(refused <= Listener.shedLimit)
        expectRest(loop)
        #expect(server.statistics.refusedCounts == [.descriptorLimit: refused])
        #expect(recorder.acceptErrors.count <= 1 && recorder.openCount == 0)
        hoard.release()
        try #require(loop.run { recorder.openCount == waiting.count - refused })
        withExtendedLifetime(waiting) {}
    }
}

private func restWhileAcceptFails(with code: Int32) throws {
    try withLoop { loop in
        let (server, recorder) = try loop.server()
        let early = try RawPeer(connectingTo: loop.address)
        try #require(loop.run { recorder.openCount == 1 })
        try #require(SystemCallFilter.fail(.accept4, with: code))
        let waiting = try RawPeer(connectingTo: loop.address)
        let start = ContinuousClock.now
        expectRest(loop)
        #expect(recorder.acceptErrors.first == SystemError(call: "accept4", code: code))
        #expect(recorder.acceptErrors.count <= 1 + Int((ContinuousClock.now - start) / .seconds(1)))
        #expect(server.statistics.refusedCount == 0)
        early.writeAll(frame("still"))
        try #require(loop.run { recorder.texts == ["still"] })
        waiting.readAll()
        #expect(!waiting.isAtEnd && server.isListening)
    }
}

private func openWithoutEpoll() throws {
    try withLoop { loop in
        let (server, recorder) = try loop.server()
        let early = try RawPeer(connectingTo: loop.address)
        try #require(loop.run { recorder.openCount == 1 })
        let next = dup(2)
        close(next)
        try #require(SystemCallFilter.fail(.epollAdd(from: next), with: ENOSPC))
        let late = try (0..<3).map { _ in try RawPeer(connectingTo: loop.address) }
        late[1].writeAll(frame("on the way"))
        try #require(loop.run { recorder.reasons.count == 3 })
        #expect(recorder.reasons == Array(repeating: .system(SystemError(call: "epoll_ctl", code: ENOSPC)), count: 3))
        #expect(server.statistics.closedCounts == [.system: 3])
        #expect(server.connectionCount == 1 && server.connections.count == 1)
        late.forEach { $0.readAll() }
        #expect(late.allSatisfy { $0.isAtEnd })
        early.writeAll(frame("still"))
        try #require(loop.run { recorder.texts == ["on the way", "still"] })
    }
}

private func startProgramsUnderLoad() throws {
    // Its exit code is the number of descriptors that it inherited.
    let count = "import os; os._exit(min(200, len(os.listdir('/proc/self/fd'))))"
    func givenDescriptorCount() -> Int32 { Child.run(python, "-S", "-c", count) }
    let before = givenDescriptorCount()
    let isDone = Atomic<Bool>(false)
    // Each side goes on until the other has done its part.
    let rounds = Atomic<Int>(0)
    let surplus = Mutex<[Int32]>([])
    try withLoop { loop in
        let starter = ThreadHandle {
            var started = 0
            while started < 60 || rounds.load(ordering: .relaxed) < 20 {
                let count = Child.run(python, "-S", "-c", count)
                if count != before { surplus.withLock { $0.append(count) } }
                started += 1
            }
            isDone.store(true, ordering: .releasing)
        }
        var configuration = PipeClient.Configuration()
        configuration.waitsForServer = true
        repeat {
            // Names, locks, watches, sockets, pinned processes: every kind of descriptor.
            let address = try PipeAddress.unique(prefix: "test")
            let (client, atClient) = loop.client(configuration, to: address)
            try #require(loop.run { atClient.states.last == .waitingForServer })
            let (server, atServer) = try loop.server(at: address)
            try #require(loop.run { atClient.openCount == 1 && atServer.openCount == 1 })
            #expect(try isPeerRunning(atServer.connections[0]))
            client.disconnect()
            server.stop()
            try #require(loop.run { atServer.stopCount == 1 && atClient.states.last == .disconnected })
            rounds.add(1, ordering: .relaxed)
        } while !isDone.load(ordering: .acquiring)
        starter.join()
    }
    #expect(surplus.withLock { $0 } == [])
}
