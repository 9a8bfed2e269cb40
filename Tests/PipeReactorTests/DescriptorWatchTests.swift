// SPDX-License-Identifier: Apache-2.0
import PipeReactor
import Testing

@Suite struct `Watching a descriptor` {
    @Test func `calls as long as there is something to read, and not before`() throws {
        let reactor = try Reactor()
        let pair = Pair.pipe()
        var calls = 0
        let watch = try reactor.watch(pair.near.rawValue, for: .reading) { calls += 1 }
        reactor.runTurns(5)
        #expect(calls == 0)
        put(pair.far.rawValue)
        reactor.runBounded { calls >= 5 }
        take(pair.near.rawValue)
        calls = 0
        reactor.runTurns(5)
        #expect(calls == 0)
        watch.cancel()
    }

    @Test func `reports the end of the stream`() throws {
        let reactor = try Reactor()
        let ends = Ends(Pair.pipe())
        var calls = 0
        let watch = try reactor.watch(ends.near, for: .reading) { calls += 1 }
        ends.closeFar()
        reactor.runBounded { calls > 0 }
        watch.cancel()
    }

    @Test func `reports room to write, as long as there is some`() throws {
        let reactor = try Reactor()
        let pair = Pair.sockets()
        var calls = 0
        let watch = try reactor.watch(pair.near.rawValue, for: .writing) { calls += 1 }
        reactor.runBounded { calls > 3 }
        _ = fill(pair.near.rawValue)
        calls = 0
        reactor.runTurns(5)
        #expect(calls == 0)
        take(pair.far.rawValue)
        reactor.runBounded { calls > 3 }
        watch.cancel()
    }

    @Test func `works in both directions at once`() throws {
        let reactor = try Reactor()
        let pair = Pair.sockets()
        var reads = 0
        var writes = 0
        let reading = try reactor.watch(pair.near.rawValue, for: .reading) { reads += 1 }
        let writing = try reactor.watch(pair.near.rawValue, for: .writing) { writes += 1 }
        put(pair.far.rawValue)
        reactor.runBounded { reads > 0 && writes > 0 }
        writing.cancel()
        (reads, writes) = (0, 0)
        reactor.runTurns(5)
        #expect(reads > 0 && writes == 0)
        reading.cancel()
    }

    @Test(arguments: [false, true])
    func `may end inside its handler, which drops the last reference`(isFile: Bool) throws {
        let reactor = try Reactor()
        let pair = Pair.pipe()
        let file = openRegularFile()
        put(pair.far.rawValue)
        var watch: DescriptorWatch?
        var calls = 0
        var isHeld = true
        watch = try reactor.watch(isFile ? file.rawValue : pair.near.rawValue, for: .reading) {
            [captive = Captive { isHeld = false }] in
            calls += 1
            if calls == 3 {
                watch = nil
                #expect(isHeld)
            }
            captive.touch()
        }
        reactor.runBounded { calls == 3 }
        reactor.runTurns(5)
        #expect(calls == 3 && watch == nil && !isHeld)
    }

    @Test(arguments: [false, true])
    func `may be cancelled inside its handler, and again`(isFile: Bool) throws {
        let reactor = try Reactor()
        let pair = Pair.pipe()
        let file = openRegularFile()
        put(pair.far.rawValue)
        var watch: DescriptorWatch?
        var calls = 0
        watch = try reactor.watch(isFile ? file.rawValue : pair.near.rawValue, for: .reading) {
            calls += 1
            watch?.cancel()
            watch?.cancel()
        }
        reactor.runBounded { calls == 1 }
        reactor.runTurns(5)
        #expect(calls == 1)
        watch?.cancel()
    }

    @Test(arguments: [false, true])
    func `ends when the watch is released`(isFile: Bool) throws {
        let reactor = try Reactor()
        let pair = Pair.pipe()
        let file = openRegularFile()
        put(pair.far.rawValue)
        var calls = 0
        var watch: DescriptorWatch? = try reactor.watch(isFile ? file.rawValue : pair.near.rawValue, for: .reading) {
            calls += 1
        }
        reactor.runBounded { calls > 0 }
        #expect(watch != nil)
        watch = nil
        calls = 0
        reactor.runTurns(5)
        #expect(calls == 0)
    }

    /// FACTS: epoll takes no regular file (`EPERM`).
    @Test(arguments: [DescriptorWatch.Direction.reading, .writing])
    func `a regular file counts as always ready, once per turn`(direction: DescriptorWatch.Direction) throws {
        let reactor = try Reactor()
        let file = openRegularFile()
        var calls = 0
        let watch = try reactor.watch(file.rawValue, for: direction) { calls += 1 }
        #expect(calls == 0)
        reactor.runTurns(10)
        #expect((8...12).contains(calls))
        let mail = Counter()
        reactor.executor.post { $0.executor.post { _ in mail.count() } }
        reactor.runBounded { mail.value == 1 }
        watch.cancel()
    }

    @Test func `a regular file does not keep a stopped reactor from ending`() throws {
        let reactor = try Reactor()
        let file = openRegularFile()
        let watch = try reactor.watch(file.rawValue, for: .reading) { reactor.stop() }
        reactor.runToStop()
        watch.cancel()
    }

    @Test func `leaves the descriptor open, and its number free for another watch after the caller closes it`() throws {
        let reactor = try Reactor()
        var reuses = 0
        for _ in 0..<200 {
            let ends = Ends(Pair.pipe())
            let number = ends.near
            var isCalled = false
            let watch = try reactor.watch(number, for: .reading) { isCalled = true }
            put(ends.far)
            reactor.runBounded { isCalled }
            watch.cancel()
            #expect(take(number) == 1)
            ends.closeNear()
            let next = Ends(Pair.pipe())
            if next.near == number { reuses += 1 }
            isCalled = false
            var isNextCalled = false
            let other = try reactor.watch(next.near, for: .reading) { isNextCalled = true }
            reactor.runTurns(1)
            #expect(!isNextCalled)
            put(next.far)
            reactor.runBounded { isNextCalled }
            #expect(!isCalled)
            other.cancel()
        }
        #expect(reuses > 0)
    }

    @Test func `outlives its reactor without harm`() throws {
        for isFile in [false, true] {
            var reactor: Reactor? = try Reactor()
            let pair = Pair.pipe()
            let file = openRegularFile()
            let watch = try #require(reactor).watch(isFile ? file.rawValue : pair.near.rawValue, for: .reading) {
                Issue.record("the reactor never ran")
            }
            reactor = nil
            watch.cancel()
        }
    }
}

/// A pair whose ends can be closed one by one.
final class Ends {
    private var nearEnd: OwnedDescriptor?
    private var farEnd: OwnedDescriptor?
    let near: Int32
    let far: Int32

    init(_ pair: consuming Pair) {
        near = pair.near.rawValue
        far = pair.far.rawValue
        nearEnd = consume pair.near
        farEnd = consume pair.far
    }

    func closeNear() { nearEnd = nil }
    func closeFar() { farEnd = nil }

    /// Gives the near end away.
    func takeNear() -> OwnedDescriptor {
        guard let end = nearEnd.take() else { preconditionFailure("the near end is gone") }
        return end
    }
}
