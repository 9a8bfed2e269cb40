// SPDX-License-Identifier: Apache-2.0
package import NamedPipes

/// A reactor on the test's own thread, with everything that lives on it. Every wait has a condition and a limit
/// (``patience``).
package final class Loop {
    package let reactor: Reactor
    package let address: PipeAddress

    /// Long enough for a crowded machine and a sanitizer; a passing test never waits that long.
    package static let patience = Duration.seconds(30)

    private var recorders: [Recorder] = []

    /// - Parameter virtualTime: the time of deadlines, so that a test of them takes no time and does not depend on the
    ///   machine's speed; see ``turn()`` and `reactor.advance(by:)`. ``run(_:)`` and the waits that use it are for real
    ///   time.
    package init(in virtualTime: VirtualTime? = nil) throws {
        reactor = try Reactor(in: virtualTime)
        address = try PipeAddress.unique(prefix: "test")
    }

    /// Runs until the condition holds; false if it never did.
    package func run(_ condition: () -> Bool) -> Bool {
        reactor.run(timeout: Self.patience, until: condition)
    }

    /// ``PipeReactor/Reactor/run(whileGrowing:_:)`` of this loop's reactor.
    package func run(whileGrowing number: () -> Int, _ condition: () -> Bool) -> Bool {
        reactor.run(whileGrowing: number, condition)
    }

    /// Runs until the condition holds, and asks it repeatedly even if nothing happens on the loop: for a condition that
    /// itself reads or writes a plain socket, or that another thread brings about.
    package func poll(_ condition: () -> Bool) -> Bool {
        let ticks = reactor.schedule(after: .zero, repeating: .milliseconds(1)) {}
        defer { ticks.cancel() }
        return run(condition)
    }

    /// Turns the loop once, without waiting for anything.
    package func turn() {
        var hasTurned = false
        reactor.run(timeout: .zero) {
            defer { hasTurned = true }
            return hasTurned
        }
    }

    /// Runs the loop until it has had nothing to do for a turn: everything under way has arrived.
    ///
    /// A timer that is due at once comes after all events that are ready.
    package func settle() {
        for _ in 0..<3 {
            var isDue = false
            let timer = reactor.schedule(after: .zero) { isDue = true }
            _ = reactor.run(timeout: Self.patience) { isDue }
            timer.cancel()
        }
    }

    /// Lets time pass on the loop, for an event that must *not* happen meanwhile.
    package func run(for duration: Duration) {
        _ = reactor.run(timeout: duration) { false }
    }

    /// How often the loop turns in that time: a few times at most, if nothing happens, and a thousand times, if it
    /// spins. Unlike the CPU time that it takes, this hardly depends on other work of the machine: if that makes the
    /// time longer, a second adds a turn or two of timers that repeat.
    package func turnCount(in duration: Duration) -> Int {
        var count = 0
        var isOver = false
        // The timer's turn is one; a timeout of `run` would take another turn to look at what has arrived.
        let timer = reactor.schedule(after: duration) { isOver = true }
        defer { timer.cancel() }
        _ = run {
            count += 1
            return isOver
        }
        return count
    }

    package func recorder() -> Recorder {
        let recorder = Recorder(reactor)
        recorders.append(recorder)
        return recorder
    }

    package func server(
        _ configuration: PipeServer.Configuration = PipeServer.Configuration(), at other: PipeAddress? = nil,
        _ delegate: Recorder? = nil
    ) throws -> (PipeServer, Recorder) {
        let delegate = delegate ?? recorder()
        let server = try PipeServer(
            listeningOn: other ?? address, configuration: configuration, reactor: reactor, delegate: delegate)
        return (server, delegate)
    }

    /// A client that has been told to connect.
    package func client(
        _ configuration: PipeClient.Configuration = PipeClient.Configuration(), to other: PipeAddress? = nil,
        _ delegate: Recorder? = nil
    ) -> (PipeClient, Recorder) {
        let delegate = delegate ?? recorder()
        let client = PipeClient(
            address: other ?? address, configuration: configuration, reactor: reactor, delegate: delegate)
        client.connect()
        return (client, delegate)
    }

    /// Ends everything that lives here, and returns the broken promises.
    package func end() -> [String] {
        reactor.stop()
        reactor.run()
        var problems = recorders.flatMap(\.violations)
        if reactor.registry.count != 0 { problems.append("\(reactor.registry.count) registry outlive the reactor") }
        for recorder in recorders {
            let count = recorder.connections.count
            if count != 0 { problems.append("\(count) connections never ended") }
            recorder.forgetClosures()
        }
        return problems
    }
}

extension Reactor {
    /// Runs until the condition holds; false once a number that grows meanwhile has stood still for as long as
    /// ``Loop/patience``. For much work, where the time for all of it depends on the machine.
    package func run(whileGrowing number: () -> Int, _ condition: () -> Bool) -> Bool {
        var isMet = false
        var reached = number()
        while run(
            timeout: Loop.patience,
            until: {
                isMet = condition()
                return isMet || number() > reached
            })
        {
            if isMet { return true }
            reached = number()
        }
        return false
    }
}

/// A value that closures of a test share.
package final class Box<Value> {
    package var value: Value

    package init(_ value: Value) { self.value = value }
}
