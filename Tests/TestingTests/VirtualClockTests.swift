// SPDX-License-Identifier: Apache-2.0
import NamedPipesTesting
import Synchronization
import Testing

struct VirtualClockTests {
    @Test func `timers fire at their points, in order, and only when time reaches them`() throws {
        let network = try MemoryNetwork()
        var fired: [String] = []
        func note(_ name: String) { fired.append("\(name) at \(network.clock.elapsed)") }
        network.reactor.schedule(after: .seconds(3)) { note("late") }
        network.reactor.schedule(after: .seconds(1)) {
            note("first")
            network.reactor.schedule(after: .seconds(1)) { note("second") }
            network.reactor.schedule(after: .zero) { note("at once") }
        }
        let ticks = network.reactor.schedule(after: .seconds(2), repeating: .seconds(2)) { note("tick") }
        network.reactor.schedule(after: .seconds(2)) { note("never") }.cancel()
        network.settle()
        #expect(fired.isEmpty)
        #expect(network.clock.advance(by: .milliseconds(999)))
        #expect(fired.isEmpty)
        network.clock.advance(by: .seconds(3))
        #expect(
            fired == [
                "first at 1.0 seconds", "at once at 1.0 seconds", "tick at 2.0 seconds", "second at 2.0 seconds",
                "late at 3.0 seconds",
            ])
        fired = []
        network.clock.advance(by: .seconds(5))
        #expect(fired == ["tick at 4.0 seconds", "tick at 6.0 seconds", "tick at 8.0 seconds"])
        ticks.cancel()
        #expect(network.clock.elapsed == .milliseconds(8999))
    }

    @Test func `limits of connections follow it`() throws {
        let network = try MemoryNetwork()
        var configuration = PipeServer.Configuration()
        configuration.connection.idleLimit = .seconds(600)
        let host = RecordingDelegate()
        try network.makeServer(at: "host", configuration: configuration, delegate: host)
        let client = try network.makeClient(to: "host", delegate: RecordingDelegate())
        client.connect()
        network.clock.advance(by: .seconds(590))
        try client.send("still here")
        network.clock.advance(by: .seconds(599))
        #expect(host.events.last == .received("still here"))
        network.clock.advance(by: .seconds(10))
        #expect(host.events.last == .closed(.idle))
    }

    @Test func `a client's attempts follow it`() throws {
        let network = try MemoryNetwork()
        var configuration = PipeClient.Configuration()
        configuration.waitsForServer = true
        configuration.connectTimeout = .seconds(60)
        let recorder = RecordingDelegate()
        let client = try network.makeClient(to: "later", configuration: configuration, delegate: recorder)
        client.connect()
        network.clock.advance(by: .seconds(59))
        #expect(client.state == .waitingForServer)
        network.clock.advance(by: .seconds(1))
        #expect(recorder.events.last == .failedToConnect(.timedOut))
        client.connect()
        network.settle()
        try network.makeServer(at: "later", delegate: Echo())
        network.clock.advance(by: .seconds(2))
        #expect(client.state == .connected)
    }

    @Test func `bytes take their time`() throws {
        var faults = TransportFaults()
        faults.delay = .seconds(1) ... .seconds(2)
        let network = try MemoryNetwork(faults: faults)
        try network.makeServer(at: "echo", delegate: Echo())
        let recorder = RecordingDelegate()
        let client = try network.makeClient(to: "echo", delegate: recorder)
        client.connect()
        network.settle()
        for number in 0..<20 {
            try client.send("\(number)")
            network.settle()
        }
        network.clock.advance(by: .milliseconds(1999))
        #expect(recorder.texts.isEmpty)
        network.clock.advance(by: .seconds(2))
        #expect(recorder.texts == (0..<20).map { "\($0)" })
    }

    @Test func `tasks sleep by it, in order with the timers`() throws {
        let network = try MemoryNetwork()
        let woken = Lines()
        let clock = network.clock
        for seconds in [3, 1, 2] {
            Task(executorPreference: network.reactor.executor) {
                try await clock.sleep(for: .seconds(seconds))  // what is tested
                woken.add("\(seconds)")
            }
        }
        let cancelled = Task(executorPreference: network.reactor.executor) { [clock = network.reactor.executor.clock] in
            do { try await clock.sleep(for: .seconds(100)) } catch { woken.add("cancelled") }  // what is tested
        }
        clock.advance(by: .milliseconds(2500))
        #expect(woken.all == ["1", "2"])
        cancelled.cancel()
        clock.advance(by: .seconds(1))
        #expect(woken.all == ["1", "2", "cancelled", "3"])
        network.end()
    }
}

/// Lines that several tasks write.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func add(_ line: String) { lines.withLock { $0.append(line) } }
}
