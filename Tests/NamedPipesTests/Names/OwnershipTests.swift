// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Testing

@testable import NamedPipes

@Suite struct `A name left behind` {
    private let scratch = Scratch()

    @Test(arguments: [SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM].map(\.rawValue))
    func `7 · is taken over, whatever type of socket it was`(_ type: UInt32) throws {
        let address = try scratch.address()
        leaveStaleSocket(at: address, __socket_type(type))
        let name = try publish(address)
        #expect(connecting(to: address) == 0)
        #expect(scratch.names == [".pipe.lock", "pipe"])
        withExtendedLifetime(name) {}
    }

    @Test(.enabled(if: hasPython, "needs a program to kill"))
    func `7 · by kill -9 is taken over without a wait`() async {
        await #expect(processExitsWith: .success) { try takeOverAfterKill() }
    }

    @Test func `7 · is taken over without a wait, or the process ends`() async {
        await #expect(processExitsWith: .signal(SIGSYS)) {
            onThreads(1) { _ in
                guard SystemCallFilter.endProcess(at: .wait) else { return }
                CurrentThread.sleepForMillisecond()  // what is tested: the filter ends the process here
            }
        }
    }

    @Test(arguments: ["pipe", String(repeating: "a", count: 80)])
    func `10 · under its temporary name is removed`(_ name: String) throws {
        leaveStaleSocket(at: try scratch.address(SocketFile.temporaryName(for: name)))
        let published = try publish(scratch.address(name))
        #expect(scratch.names == [".\(name).lock", name])
        withExtendedLifetime(published) {}
    }

    @Test func `10 · under both names, as between link and removal, is taken over`() throws {
        leaveStaleSocket(at: try scratch.address())
        #expect(unsafe link(scratch.path("pipe"), scratch.path(".pipe.tmp")) == 0)
        let published = try publish(scratch.address())
        #expect(scratch.names == [".pipe.lock", "pipe"])
        #expect(published.isInPlace)
    }

    @Test func `10 · under similar names, of other servers, stays`() throws {
        for other in [".pipe2.tmp", ".pip.tmp", "pipe.tmp"] { leaveStaleSocket(at: try scratch.address(other)) }
        let published = try publish(scratch.address())
        #expect(scratch.names == [".pip.tmp", ".pipe.lock", ".pipe2.tmp", "pipe", "pipe.tmp"])
        withExtendedLifetime(published) {}
    }

    @Test func `10 · that is no socket is refused and stays`() throws {
        makeFile(scratch.path(".pipe.tmp"))
        let address = try scratch.address()
        #expect(throws: PipeError.unusableLocation(path: scratch.path(".pipe.tmp"), .notASocket)) {
            try publish(address)
        }
        #expect(contents(of: scratch.path(".pipe.tmp")) == "precious")
    }
}

/// Publishes a name that was left behind, on a thread where the kernel ends the process at a call that waits. How long
/// the rest takes depends on the machine, and is left to the hostile suite (`make hostile ONLY=7`).
func publishWithoutWait(_ address: PipeAddress) {
    onThreads(1) { _ in
        #expect(SystemCallFilter.endProcess(at: .wait))
        do {
            let name = try publish(address)
            #expect(connecting(to: address) == 0)
            name.close()
        } catch {
            Issue.record(error)
        }
    }
}

private func takeOverAfterKill() throws {
    let scratch = Scratch()
    let path = scratch.path("pipe")
    // As the recipe does it, so that lock, process ID and socket are all left behind.
    let child = Child([
        python, "-S", "-c",
        """
        import fcntl, os, signal, socket
        lock = open('\(scratch.path)/.pipe.lock', 'w')
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(str(os.getpid())); lock.flush()
        server = socket.socket(socket.AF_UNIX); server.bind('\(path)'); server.listen()
        os.kill(os.getpid(), signal.SIGKILL)
        """,
    ])
    #expect(child.wait() == -SIGKILL)
    #expect(scratch.names == [".pipe.lock", "pipe"])
    publishWithoutWait(try scratch.address())
}

@Suite struct `A live server is not displaced` {
    private let scratch = Scratch()

    @Test func `8 · that has the lock, and its process is named`() throws {
        let address = try scratch.address()
        let name = try publish(address)
        #expect(throws: PipeError.addressInUse(address, holder: getpid())) { try publish(address) }
        #expect(name.isInPlace)
        #expect(connecting(to: address) == 0)
        #expect(acceptsClient(try #require(name.listener)))
        #expect(!acceptsClient(try #require(name.listener)), "the attempt must not have connected")
    }

    @Test func `8 · that does not know the lock, and its process is named`() throws {
        let address = try scratch.address()
        let server = ForeignSocket(at: address)
        #expect(throws: PipeError.addressInUse(address, holder: getpid())) { try publish(address) }
        #expect(connecting(to: address) == 0)
        withExtendedLifetime(server.descriptor) {}
    }

    @Test func `8 · that has bound its name and does not listen yet`() throws {
        let address = try scratch.address()
        let server = ForeignSocket(at: address, listening: false)
        #expect(throws: PipeError.addressInUse(address, holder: nil)) { try publish(address) }
        #expect(listen(server.descriptor, 1) == 0)
        #expect(connecting(to: address) == 0)
    }

    @Test(arguments: [SOCK_SEQPACKET, SOCK_DGRAM].map(\.rawValue))
    func `8 · that speaks another type of socket`(_ type: UInt32) throws {
        let address = try scratch.address()
        let server = ForeignSocket(at: address, __socket_type(type), listening: false)
        #expect(throws: PipeError.addressInUse(address, holder: nil)) { try publish(address) }
        withExtendedLifetime(server.descriptor) {}
    }

    @Test func `8 · whose backlog is full`() throws {
        let address = try scratch.address()
        let server = ForeignSocket(at: address, listening: false)
        #expect(listen(server.descriptor, 0) == 0)
        let waiting = ForeignSocket()
        #expect(waiting.connect(to: SocketAddress(address)) == 0)
        #expect(connecting(to: address) == EAGAIN)
        #expect(throws: PipeError.addressInUse(address, holder: nil)) { try publish(address) }
    }

    @Test func `8 · when only its lock is there yet, and its process is named if it is certainly that one`() throws {
        let address = try scratch.address()
        let own = try #require(LockRecord.own(nil).process)
        var elsewhere = own
        elsewhere.namespace += 1
        var earlier = own
        earlier.startTime -= 1
        var before = own
        before.boot = "00000000-0000-0000-0000-000000000000"
        var nobody = own
        nobody.processID = Int32.max
        for (mark, holder) in [(own, getpid()), (elsewhere, nil), (earlier, nil), (before, nil), (nobody, nil)] {
            let text = LockRecord(processID: mark.processID, process: mark).text
            #expect(LockRecord(parsing: Array(text.utf8)).process == mark)
            withLock(saying: text) {
                #expect(throws: PipeError.addressInUse(address, holder: holder)) { try publish(address) }
                #expect(contents(of: scratch.path(".pipe.lock")) == text)
            }
        }
    }

    @Test func `8 · and a number alone in its lock, as earlier versions wrote it, names no process`() throws {
        let address = try scratch.address()
        withLock(saying: "\(getpid())\n") {
            #expect(throws: PipeError.addressInUse(address, holder: nil)) { try publish(address) }
        }
    }

    private func withLock(saying text: String, _ body: () -> Void) {
        _ = unsafe unlink(scratch.path(".pipe.lock"))
        makeFile(scratch.path(".pipe.lock"), text: text)
        let lock = unsafe open(scratch.path(".pipe.lock"), O_RDWR | O_CLOEXEC)
        defer { _ = Glibc.close(lock) }
        #expect(flock(lock, LOCK_EX) == 0)
        body()
    }

    @Test(arguments: [
        "", "0\n", "-5\n", "not a number\n", "99999999999999999999\n", "\n", "47", "1\n1 2", "1\n1 2 3 4\n",
    ])
    func `8 · and nonsense in its lock, or a number that was cut short, names no process`(_ text: String) throws {
        let address = try scratch.address()
        makeFile(scratch.path(".pipe.lock"), text: text)
        let lock = unsafe open(scratch.path(".pipe.lock"), O_RDWR | O_CLOEXEC)
        defer { _ = Glibc.close(lock) }
        #expect(flock(lock, LOCK_EX) == 0)
        #expect(throws: PipeError.addressInUse(address, holder: nil)) { try publish(address) }
    }
}

@Suite struct `Racing starts` {
    @Test(arguments: ["free", "stale", "generated"])
    func `9 · have exactly one owner in each of 300 rounds of 4, and leave nothing`(_ beginning: String) throws {
        let scratch = Scratch()
        let plain = try scratch.address()
        let address = beginning == "generated" ? try PipeAddress.file(scratch.path("pipe"), isGenerated: true) : plain
        let barrier = Barrier(parties: 4)
        let verdicts = Mutex<[Int: Int]>([:])
        onThreads(4) { thread in
            for round in 0..<300 {
                if beginning == "stale", thread == 0 { leaveStaleSocket(at: plain) }
                barrier.wait()
                let name = attempt(address)
                if let name {
                    verdicts.withLock { $0[round, default: 0] += 1 }
                    #expect(name.isInPlace)
                }
                barrier.wait()
                name?.close()
                barrier.wait()
            }
        }
        #expect(verdicts.withLock { $0.count } == 300)
        #expect(verdicts.withLock { $0.values.allSatisfy { $0 == 1 } })
        #expect(scratch.names == (beginning == "generated" ? [] : [".pipe.lock"]))
    }

    @Test func `9 · for the lock alone never have two owners, though its file comes and goes`() throws {
        let scratch = Scratch()
        let address = try scratch.address()
        let path = scratch.path
        let owners = Atomic<Int>(0)
        let successes = Atomic<Int>(0)
        onThreads(4) { _ in
            for _ in 0..<5000 {
                let isTaken = takeLock(of: address, in: path) {
                    #expect(owners.add(1, ordering: .sequentiallyConsistent).oldValue == 0)
                    sched_yield()
                    owners.subtract(1, ordering: .sequentiallyConsistent)
                }
                if isTaken { successes.add(1, ordering: .relaxed) }
            }
        }
        #expect(successes.load(ordering: .relaxed) > 0)
        #expect(scratch.names == [])
    }

    @Test func `9 · and ends, all at once, never have two owners`() throws {
        let scratch = Scratch()
        // A generated address: the lock's file comes and goes too, which is the hardest case.
        let address = try PipeAddress.file(scratch.path("pipe"), isGenerated: true)
        let lock = scratch.path(".pipe.lock")
        let owners = Atomic<Int>(0)
        let successes = Atomic<Int>(0)
        onThreads(4) { _ in
            for _ in 0..<1000 {
                guard let name = attempt(address) else { continue }
                #expect(owners.add(1, ordering: .sequentiallyConsistent).oldValue == 0)
                #expect(name.isInPlace)
                #expect(unsafe access(lock, F_OK) == 0, "the owner of the name has the lock that others see")
                owners.subtract(1, ordering: .sequentiallyConsistent)
                successes.add(1, ordering: .relaxed)
                name.close()
            }
        }
        #expect(successes.load(ordering: .relaxed) > 0)
        #expect(scratch.names == [])
    }
}

/// Takes the lock and gives it up, file and all; true if that succeeded.
private func takeLock(of address: PipeAddress, in path: String, _ whileHeld: () -> Void) -> Bool {
    do {
        let directory = try Directory.open(path)
        let lock = try NameLock.take(for: address, "pipe", in: directory)
        whileHeld()
        lock.removeFile(from: directory)
        return true
    } catch {
        return false
    }
}

/// Publishes, or loses in the one permitted way.
private func attempt(_ address: PipeAddress) -> PublishedName? {
    do {
        return try publish(address)
    } catch PipeError.addressInUse(_, _) {
        return nil
    } catch {
        Issue.record(error)
        return nil
    }
}
