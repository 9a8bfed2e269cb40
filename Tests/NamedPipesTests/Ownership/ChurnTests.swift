// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeReactor
import PipeTestSupport
import Synchronization
import Testing

/// HOSTILE 48, through a whole server: a connection ends in the same batch in which another one gets the number of its
/// descriptor.
@Suite struct `48 · a descriptor's number that is used again and again` {
    @Test func `gives each of 4,000 connections its own message and its own end`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server()
            var peers = [try RawPeer(connectingTo: loop.address)]
            for round in 1..<4000 {
                peers[0].writeAll(frame("\(round)"))
                peers.append(try RawPeer(connectingTo: loop.address))
                // Ends in the batch that accepts the next one.
                peers.removeFirst().finishWriting()
                let isFull = round.isMultiple(of: 8)
                _ = isFull && loop.run { recorder.openCount > round }
            }
            peers[0].writeAll(frame("4000"))
            peers[0].finishWriting()
            let areOver = loop.run { recorder.reasons.count == 4000 }
            #expect(areOver)
            #expect(recorder.messagesByConnection.values.allSatisfy { $0.count == 1 })
            #expect(recorder.texts.count == 4000 && Set(recorder.texts).count == 4000)
            #expect(server.statistics.acceptedCount == 4000)
        }
    }

    /// `NAMED_PIPES_CHURN=10000000` for the ten million of the specification.
    @Test func `never resolves an old key to a new object, a million times`() throws {
        final class Registered {}
        let reactor = try Reactor()
        let table = reactor.registry
        let object = Registered()
        var old: [UInt64] = []
        let count = times("NAMED_PIPES_CHURN", 1_000_000)
        for round in 0..<count {
            let key = table.insert(object)
            if round.isMultiple(of: count / 1000) { old.append(key) }
            table.remove(key)
        }
        let last = table.insert(object)
        #expect(table.count == 1 && table[last] === object)
        #expect(old.allSatisfy { $0 & 0xFFFF_FFFF == last & 0xFFFF_FFFF && table[$0] == nil })
        #expect(Set(old).count == 1000)
    }
}

@Suite struct `49 · sending from every drain` {
    @Test(.disabled(if: isAddressSanitized, "it keeps variables elsewhere than on the stack"))
    func `needs as much stack at the last as at the first`() throws {
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.highWaterMark = 0
            configuration.connection.lowWaterMark = 0
            let raw = try RawClient(loop, configuration)
            let message = [UInt8](repeating: 1, count: 10_000)
            let depths = Box<[UInt]>([])
            raw.recorder.whenDrained = { connection in
                var mark = 0
                depths.value.append(unsafe withUnsafeMutablePointer(to: &mark) { UInt(bitPattern: $0) })
                while depths.value.count < 500, (try? connection.send(message)) == .accepted {}
            }
            let connection = try raw.accepted
            while try connection.send(message) == .accepted {}
            try #require(
                loop.run {
                    while let count = raw.peer.read(), count > 0 {}
                    return depths.value.count == 500
                })
            let (lowest, highest) = (depths.value.min() ?? 0, depths.value.max() ?? 0)
            // From a flush in the loop, or in an event: two depths, whatever the number.
            #expect(highest - lowest < 4096)
        }
    }
}

/// The number of repetitions: from a variable of the environment, or as many as there is time for in each run.
private func times(_ variable: String, _ usual: Int) -> Int {
    unsafe getenv(variable).flatMap { unsafe Int(String(cString: $0)) } ?? usual
}

@Suite struct `57 · ten thousand signals a second` {
    @Test func `lose nothing, on either side, in any size`() async {
        await #expect(processExitsWith: .success) { try exchangeInAStorm() }
    }
}

private let signalCount = Atomic(0)

private func exchangeInAStorm() throws {
    var action = sigaction()
    // Without SA_RESTART, so that every interruptible call is interrupted.
    unsafe action.__sigaction_handler.sa_handler = { _ in signalCount.add(1, ordering: .relaxed) }
    unsafe sigaction(SIGALRM, &action, nil)
    var all = sigset_t()
    unsafe sigfillset(&all)
    unsafe pthread_sigmask(SIG_UNBLOCK, &all, nil)
    let period = timeval(tv_sec: 0, tv_usec: 100)
    var storm = itimerval(it_interval: period, it_value: period)
    let isSet = unsafe setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &storm, nil) == 0
    try #require(isSet)
    try withLoop { loop in
        let pair = try Pair(loop)
        let sizes = [0, 1, 1000, 70_000, 400_000]
        pair.atServer.whenLent = { connection, message in _ = try? connection.send(message) }
        var sent: [[UInt8]] = []
        while signalCount.load(ordering: .relaxed) < 3000 {
            for size in sizes {
                let message = pattern(size, seed: sent.count)
                sent.append(message)
                try pair.client.send(message)
            }
            try #require(loop.run { pair.atClient.messageCount == sent.count })
            #expect(pair.atClient.messages.suffix(sizes.count).elementsEqual(sent.suffix(sizes.count)))
        }
        pair.client.disconnect()
        try #require(loop.run { pair.atServer.reasons == [.closedByPeer] })
    }
    storm = itimerval()
    unsafe setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &storm, nil)
}
