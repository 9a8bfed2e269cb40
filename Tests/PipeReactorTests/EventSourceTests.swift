// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import Testing

@Suite struct `An event source` {
    /// FACTS: HUP or RDHUP comes a million times a second to a level-triggered event that does not read.
    @Test func `edge-triggered hears of a peer's end exactly once, level-triggered for ever`() throws {
        for halfClosed in [true, false] {
            let reactor = try Reactor()
            var edges: [Readiness] = []
            var levels = 0
            let edge = Ends(Pair.sockets())
            let level = Ends(Pair.sockets())
            let edgeSource = ClosureSource(reactor, owning: edge.takeNear(), .edgeWritable) { edges.append($0) }
            let levelSource = ClosureSource(reactor, owning: level.takeNear(), .readable) { _ in levels += 1 }
            try edgeSource.register()
            try levelSource.register()
            reactor.runTurns(3)
            #expect(edges == [.writable] && levels == 0)
            for ends in [edge, level] { if halfClosed { finishWriting(ends.far) } else { ends.closeFar() } }
            reactor.runTurns(20)
            #expect(edges == [.writable, [.writable, .peerFinished]])
            #expect(levels >= 15)
            edgeSource.cancel()
            levelSource.cancel()
        }
    }

    /// FACTS: on unix(7) sockets, writability comes back when at most a quarter is in flight.
    @Test func `for writing hears once that the peer has made room, and again only after the next change`() throws {
        let reactor = try Reactor()
        let pair = Pair.sockets()
        let sent = fill(pair.near.rawValue)
        var calls = 0
        let source = ClosureSource(reactor, borrowing: pair.near.rawValue, .edgeWritable) { readiness in
            #expect(readiness == .writable)
            calls += 1
        }
        try source.register()
        reactor.runTurns(5)
        #expect(calls == 0)
        take(pair.far.rawValue, atMost: sent / 2)
        reactor.runTurns(5)
        #expect(calls == 0)
        take(pair.far.rawValue)
        reactor.runTurns(5)
        #expect(calls == 1)
        source.cancel()
    }

    /// FACTS: therefore the write side is registered only while something waits.
    @Test func `for writing, when nothing waits, hears of every read by the peer`() throws {
        let reactor = try Reactor()
        let pair = Pair.sockets()
        var calls = 0
        let source = ClosureSource(reactor, borrowing: pair.near.rawValue, .edgeWritable) { _ in calls += 1 }
        try source.register()
        reactor.runBounded { calls == 1 }
        for count in 2...4 {
            put(pair.near.rawValue)
            take(pair.far.rawValue)
            reactor.runTurns(3)
            #expect(calls == count)
        }
        source.unregister()
        put(pair.near.rawValue)
        take(pair.far.rawValue)
        reactor.runTurns(3)
        #expect(calls == 4)
        source.cancel()
    }

    @Test func `is one for each direction of a descriptor, and the two do not disturb each other`() throws {
        let reactor = try Reactor()
        let ends = Ends(Pair.sockets())
        var reads: [Readiness] = []
        var writes: [Readiness] = []
        let number = ends.near
        let reading = ClosureSource(reactor, owning: ends.takeNear(), .readable) { reads.append($0) }
        try reading.register()
        let writing = ClosureSource(reactor, borrowing: number, .writable) { writes.append($0) }
        try writing.register()
        reactor.runBounded { writes.count == 2 }
        #expect(reads.isEmpty)
        writing.cancel()
        let written = writes.count
        put(ends.far)
        reactor.runBounded { !reads.isEmpty }
        finishWriting(ends.far)
        reactor.runTurns(5)
        #expect(reads.first == .readable && reads.last == [.readable, .peerFinished])
        #expect(writes == Array(repeating: .writable, count: written))
        reading.cancel()
    }

    @Test func `that was unregistered is silent, and hears of what it missed when registered again`() throws {
        let reactor = try Reactor()
        let ends = Ends(Pair.sockets())
        var calls = 0
        let source = ClosureSource(reactor, owning: ends.takeNear(), .readable, once: true) { _ in calls += 1 }
        try source.register()
        source.unregister()
        source.unregister()
        put(ends.far)
        reactor.runTurns(5)
        #expect(calls == 0)
        try source.register()
        reactor.runTurns(5)
        #expect(calls == 1)
        source.cancel()
        source.unregister()
    }

    @Test func `may be cancelled and dropped by its own handler, which is released after it has returned`() throws {
        let reactor = try Reactor()
        let ends = Ends(Pair.sockets())
        var source: ClosureSource?
        var calls = 0
        var isHeld = true
        source = ClosureSource(reactor, owning: ends.takeNear(), .readable) {
            [captive = Captive { isHeld = false }] _ in
            calls += 1
            source?.cancel()
            source?.cancel()
            source = nil
            #expect(isHeld)
            captive.touch()
        }
        try source?.register()
        put(ends.far)
        reactor.runTurns(5)
        #expect(calls == 1 && !isHeld)
        #expect(!put(ends.far), "the descriptor is closed")
    }

    @Test func `that is dropped without being cancelled is forgotten by epoll before its descriptor closes`() throws {
        let reactor = try Reactor()
        let ends = Ends(Pair.sockets())
        var source: ClosureSource? = ClosureSource(reactor, owning: ends.takeNear(), .readable) { _ in
            Issue.record("the source is gone")
        }
        try source?.register()
        put(ends.far)
        source = nil
        reactor.runTurns(5)
        #expect(!put(ends.far))
    }

    @Test func `may outlive its reactor, whose base is freed after it`() throws {
        for interest in [Interest.readable, .writable, .edgeWritable] {
            var reactor: Reactor? = try Reactor()
            weak let seen = reactor
            let ends = Ends(Pair.sockets())
            var source: ClosureSource? = ClosureSource(
                try #require(reactor), owning: ends.takeNear(), interest
            ) { _ in Issue.record("nobody runs") }
            try source?.register()
            let timer = ClosureSource(try #require(reactor), borrowing: -1, .timer) { _ in }
            timer.arm(after: .seconds(100))
            reactor = nil
            #expect(seen == nil)
            #expect(put(ends.far))
            source = nil
            #expect(!put(ends.far), "the descriptor is closed")
            timer.cancel()
        }
    }

    /// A handler like a connection's: not retained around its events, because it has another owner.
    private final class Unretained: EventHandler {
        var source: EventSource?
        var log: [Readiness] = []

        static func dispatch(_ readiness: Readiness, to handler: UnsafeRawPointer) {
            unsafe Unmanaged<Unretained>.fromOpaque(handler)._withUnsafeGuaranteedRef { $0.handle(readiness) }
        }

        func handle(_ readiness: Readiness) {
            source = nil
            log.append(readiness)
        }
    }

    @Test(arguments: [Interest.readable, .writable, .edgeWritable, .timer])
    func `of any kind may be dropped inside the handler that is called for it`(interest: Interest) throws {
        let reactor = try Reactor()
        let ends = Ends(Pair.sockets())
        let handler = Unretained()
        let other = Unretained()
        let number = ends.near
        handler.source = EventSource(reactor, owning: duplicate(number), interest, handler: handler)
        other.source = EventSource(reactor, borrowing: number, .readable, handler: other)
        try other.source?.register()
        if interest == .timer { handler.source?.arm(after: .zero) } else { try handler.source?.register() }
        put(ends.far)
        reactor.runBounded { !handler.log.isEmpty && !other.log.isEmpty }
        reactor.runTurns(3)
        #expect(handler.log.count == 1 && other.log == [.readable])
    }

    @Test func `for a regular file is refused with a typed error`() throws {
        let reactor = try Reactor()
        let source = ClosureSource(reactor, owning: openRegularFile(), .readable) { _ in }
        let error = #expect(throws: SystemError.self) { try source.register() }
        #expect(error == SystemError(call: "epoll_ctl", code: notPermitted))
        source.cancel()
    }

    /// FACTS: libevent's timers use a coarse clock, which lags by up to a tick (10 ms at most).
    @Test func `as a timer set late in a long callback counts from then, not from the callback's beginning`() throws {
        let reactor = try Reactor()
        var armed = SuspendingClock.now
        var fired: SuspendingClock.Instant?
        let timer = ClosureSource(reactor, borrowing: -1, .timer) { readiness in
            #expect(readiness == .timedOut)
            fired = SuspendingClock.now
        }
        reactor.schedule(after: .zero) {
            holdLoop(for: .milliseconds(50))
            armed = SuspendingClock.now
            timer.arm(after: .milliseconds(30))
        }
        reactor.runBounded { fired != nil }
        #expect(try #require(fired) - armed >= .milliseconds(20))
        timer.cancel()
    }

    /// FACTS: the array of `epoll_wait` starts at 32 entries.
    @Test func `is served also where more than 32 are ready at once`() throws {
        let reactor = try Reactor()
        var heard = [Int](repeating: 0, count: 200)
        let ends = (0..<200).map { _ in Ends(Pair.sockets()) }
        let sources = try ends.indices.map { index in
            let source = ClosureSource(reactor, owning: ends[index].takeNear(), .readable, once: true) { _ in
                heard[index] += 1
            }
            try source.register()
            return source
        }
        for end in ends { put(end.far) }
        reactor.runTurns(10)
        #expect(heard == Array(repeating: 1, count: 200))
        for source in sources { source.cancel() }
    }
}

/// HOSTILE 48: a descriptor's number is used again at once.
@Suite struct `A descriptor's number used again` {
    /// FACTS: when a source ends, its events that the same `epoll_wait` returned are withdrawn.
    @Test func `48 in the same batch brings the new source no event of the old one, and all of its own`() throws {
        let reactor = try Reactor()
        var reuses = 0
        for _ in 0..<500 {
            let all = (0..<2).map { _ in Ends(Pair.sockets()) }
            var sources: [ClosureSource] = []
            var survivors = 0
            var next: (ends: Ends, source: ClosureSource)?
            var isNewCalled = false
            for index in 0..<2 {
                let source = ClosureSource(reactor, owning: all[index].takeNear(), .readable, once: true) { _ in
                    // The first to be called ends the other, and lets a third source take its number.
                    survivors += 1
                    let other = 1 - index
                    sources[other].cancel()
                    let ends = Ends(Pair.sockets())
                    if ends.near == all[other].near || ends.far == all[other].near { reuses += 1 }
                    let source = ClosureSource(reactor, owning: ends.takeNear(), .readable, once: true) { _ in
                        isNewCalled = true
                    }
                    #expect(throws: Never.self) { try source.register() }
                    next = (ends, source)
                }
                try source.register()
                sources.append(source)
            }
            for ends in all { put(ends.far) }
            reactor.runTurns(3)
            #expect(survivors == 1 && !isNewCalled)
            let new = try #require(next)
            put(new.ends.far)
            reactor.runTurns(2)
            #expect(isNewCalled)
            new.source.cancel()
            for source in sources { source.cancel() }
        }
        #expect(reuses > 0, "no number was used again: this test has seen nothing")
    }

    /// FACTS: epoll has to forget the descriptor before it is closed. epoll watches the open file, not the number. Once
    /// the number is closed, a duplicate's registration can no longer be removed, and its events go to the next owner
    /// of the number.
    @Test func `48 while a duplicate of the old one is open brings the new source none of its events`() throws {
        let reactor = try Reactor()
        var reuses = 0
        for _ in 0..<200 where reuses < 10 {
            let old = Ends(Pair.sockets())
            let number = old.near
            let kept = duplicate(number)
            let source = ClosureSource(reactor, owning: old.takeNear(), .readable) { _ in
                Issue.record("the source has ended")
            }
            try source.register()
            source.cancel()
            let new = Ends(Pair.sockets())
            if new.near == number { reuses += 1 }
            var calls = 0
            let next = ClosureSource(reactor, owning: new.takeNear(), .readable) { _ in calls += 1 }
            try next.register()
            put(old.far)
            reactor.runTurns(2)
            #expect(calls == 0)
            next.cancel()
            _ = consume kept
        }
        #expect(reuses > 0, "no number was used again: this test has seen nothing")
    }

    @Test func `48 twenty thousand times brings each source exactly its own event`() throws {
        let reactor = try Reactor()
        var heard = 0
        var strays = 0
        var previous: ClosureSource?
        for round in 0..<20_000 {
            let ends = Ends(Pair.sockets())
            var isMine = false
            let source = ClosureSource(reactor, owning: ends.takeNear(), .readable, once: true) { _ in
                if isMine { heard += 1 } else { strays += 1 }
            }
            try source.register()
            previous?.cancel()
            put(ends.far)
            // Nine of ten end before their event is handled.
            if round.isMultiple(of: 10) {
                isMine = true
                reactor.runTurns(1)
                isMine = false
            }
            previous = source
        }
        previous?.cancel()
        #expect(strays == 0 && heard == 2_000)
    }
}
