// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Synchronization
import Testing

@testable import NamedPipes

/// A blocking call, on a thread of its own.
final class Start<Value: Sendable>: Sendable {
    private let outcome = Outcome()

    private final class Outcome: Sendable {
        let result = Mutex<Result<Value, any Error>?>(nil)
    }

    init(_ body: @escaping @Sendable () throws -> Value) {
        let outcome = outcome
        let thread = ThreadHandle {
            let result = Result(catching: body)
            outcome.result.withLock { $0 = result }
        }
        thread.detach()
    }

    var hasEnded: Bool { outcome.result.withLock { $0 != nil } }

    func get() throws -> Value { try #require(outcome.result.withLock { $0 }).get() }
}

/// Asks until the condition holds, on a thread without a loop; false if it never does.
func waitUntil(_ condition: () -> Bool) -> Bool {
    let end = ContinuousClock.now + Loop.patience
    while !condition() {
        guard ContinuousClock.now < end else { return false }
        sched_yield()
    }
    return true
}

/// Connects, has a message sent back and hangs up, as fast as it can; counts failures by their errno.
///
/// A full queue (EAGAIN) is no failure: a client tries again. An end, or a long silence, counts as a missing answer.
final class Hammer: Sendable {
    private let tally = Tally()
    private let threads: [ThreadHandle]

    private final class Tally: Sendable {
        let isOver = Atomic<Bool>(false)
        let connectCount = Atomic<Int>(0)
        let failures = Mutex<[Int32: Int]>([:])
    }

    /// - Parameter wantsAnswers: false to connect and hang up, where servers may end at any time.
    init(_ address: PipeAddress, threads count: Int, wantsAnswers: Bool = true) {
        let tally = tally
        threads = (0..<count).map { _ in
            ThreadHandle {
                while !tally.isOver.load(ordering: .relaxed) {
                    let code = wantsAnswers ? Self.exchange(with: address) : connecting(to: address)
                    if code == EAGAIN {
                        sched_yield()
                    } else if code != 0 {
                        tally.failures.withLock { $0[code, default: 0] += 1 }
                    } else {
                        tally.connectCount.add(1, ordering: .relaxed)
                    }
                }
            }
        }
    }

    private static func exchange(with address: PipeAddress) -> Int32 {
        let client = ForeignSocket()
        let code = client.connect(to: SocketAddress(address))
        guard code == 0 else { return code }
        let request = frame("ping")
        guard unsafe send(client.descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            return errno
        }
        var entry = pollfd(fd: client.descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, 30_000) == 1 else { return ETIMEDOUT }
        var answer = request.map { _ in UInt8(0) }
        let count = unsafe recv(client.descriptor, &answer, answer.count, 0)
        if count < 0 { return errno }
        return answer == request ? 0 : ENODATA
    }

    /// The number of exchanges that succeeded.
    var connectCount: Int { tally.connectCount.load(ordering: .relaxed) }

    /// Ends the threads and returns the failures.
    func stop() -> [Int32: Int] {
        tally.isOver.store(true, ordering: .relaxed)
        for thread in threads { thread.join() }
        return tally.failures.withLock { $0 }
    }
}

/// A process that asks for a name, may take its lock, and then does not go on.
final class Candidate {
    private let file: OwnedDescriptor

    init(at lockPath: String) throws {
        file = OwnedDescriptor(taking: unsafe open(lockPath, O_RDWR | O_CLOEXEC))
        #expect(try Candidacy.begin(file))
        #expect(fchmod(file.rawValue, 0o600) == 0)
    }

    func takesLock() -> Bool { flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 }

    /// Whether another process has the lock again.
    func isLockTaken(at lockPath: String) -> Bool {
        let other = unsafe open(lockPath, O_RDWR | O_CLOEXEC)
        defer { close(other) }
        return flock(other, LOCK_EX | LOCK_NB) != 0
    }

    /// As if it had been killed, even if children of other tests have a copy of its descriptor.
    func end() {
        Candidacy.end(file)
        _ = flock(file.rawValue, LOCK_UN)
    }
}

/// Lets a successor take a name over from a server on a loop: the server stops, reports these losses of its name, and
/// the name leads to the successor.
///
/// - Parameter start: the start of the successor, if it has begun already.
func expectTakeOver(
    of address: PipeAddress, on loop: Loop, _ recorder: Recorder, losses: [NameLoss],
    by start: Start<NeighbourServer>? = nil, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let start = start ?? Start { try NeighbourServer.successor(at: address) }
    #expect(loop.poll { start.hasEnded }, sourceLocation: sourceLocation)
    let successor = try start.get()
    #expect(loop.run { recorder.stopCount == 1 }, sourceLocation: sourceLocation)
    #expect(recorder.losses == losses, sourceLocation: sourceLocation)
    #expect(connecting(to: address) == 0, sourceLocation: sourceLocation)
    withExtendedLifetime(successor) {}
}
