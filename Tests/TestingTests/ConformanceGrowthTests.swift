// SPDX-License-Identifier: Apache-2.0
import NamedPipesTesting
import Testing

/// Problems that `DelegateConformance` finds only with many connections, or with a peer that does not read; each with a
/// delegate that is correct.
struct ConformanceGrowthTests {
    private func problem<Delegate: PipeServerDelegate>(
        _ makeDelegate: @escaping (Reactor) -> Delegate, messages: [String] = ["hello"]
    ) throws -> String? {
        var conformance = DelegateConformance(messages: messages)
        conformance.seeds = 0..<0
        conformance.violationLimit = 1
        return try conformance.check(server: makeDelegate).first?.problem
    }

    @Test func `a table that only grows is caught`() throws {
        final class Table: PipeServerDelegate {
            private var names: [PipeConnection.ID: [UInt8]] = [:]
            func connectionDidOpen(_ connection: PipeConnection) { names[connection.id] = [] }
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
        }
        #expect(
            try problem { _ in Table() }
                == "keeps something of every connection that has ended: 32, 64, 128 after 32, 64, 128")
    }

    @Test func `a table whose entries go with their connections passes, and so does a short memory of them`() throws {
        final class Table: PipeServerDelegate {
            private var names: [PipeConnection.ID: [UInt8]] = [:]
            private var last: [PipeConnection.ID] = []
            func connectionDidOpen(_ connection: PipeConnection) { names[connection.id] = [] }
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
            func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
                names[connection.id] = nil
                last = (last + [connection.id]).suffix(20)
            }
        }
        #expect(try problem { _ in Table() } == nil)
    }

    @Test func `growth that is declared is allowed`() throws {
        final class Archive: PipeServerDelegate {
            private var messages: [[UInt8]] = []
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
                messages.append([UInt8](copying: message))
            }
        }
        var conformance = DelegateConformance()
        conformance.seeds = 0..<0
        #expect(try conformance.check { _ in Archive() }.isEmpty == false)
        conformance.checksGrowth = false
        #expect(try conformance.check { _ in Archive() }.isEmpty)
    }

    @Test(arguments: [false, true])
    func `a timer for each connection that is never cancelled is caught`(isCancelled: Bool) throws {
        final class Ticking: PipeServerDelegate {
            private let reactor: Reactor
            private let isCancelled: Bool
            init(_ reactor: Reactor, _ isCancelled: Bool) { (self.reactor, self.isCancelled) = (reactor, isCancelled) }
            func connectionDidOpen(_ connection: PipeConnection) {
                connection.context = reactor.schedule(after: .seconds(1), repeating: .seconds(1)) {}
            }
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
            func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
                if isCancelled { (connection.context as? ScheduledWork)?.cancel() }
            }
        }
        let problem = try problem { Ticking($0, isCancelled) }
        #expect(problem?.hasPrefix("leaves a timer behind with every connection: ") == (isCancelled ? nil : true))
    }

    /// Each answer is larger than its question, to a peer that does not read.
    @Test(arguments: [false, true])
    func `a queue of the delegate's own without bound is caught`(isPausing: Bool) throws {
        final class Queueing: PipeServerDelegate {
            private let isPausing: Bool
            private var waiting: [PipeConnection.ID: [[UInt8]]] = [:]
            init(_ isPausing: Bool) { self.isPausing = isPausing }
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
                guard connection.pendingByteCount > 100 else {
                    _ = try? connection.send(message)
                    return
                }
                waiting[connection.id, default: []].append([UInt8](copying: message))
                if isPausing { connection.pauseReceiving() }
            }
            func connectionDidDrain(_ connection: PipeConnection) {
                for message in waiting.removeValue(forKey: connection.id) ?? [] { _ = try? connection.send(message) }
                connection.resumeReceiving()
            }
            func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
                waiting[connection.id] = nil
            }
        }
        let problem = try problem { _ in Queueing(isPausing) }
        let beginning = "queues without bound for a peer that does not read: "
        if isPausing {
            #expect(problem?.hasPrefix(beginning) != true)
        } else {
            #expect(problem?.hasPrefix(beginning) == true)
        }
    }

    @Test func `an abort at the peer's finish loses the replies, and is caught`() throws {
        final class Aborting: PipeServerDelegate {
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
                _ = try? connection.send(message)
            }
            func connectionDidFinishReceiving(_ connection: PipeConnection) { connection.abort() }
        }
        let problem = try problem { _ in Aborting() }
        #expect(problem == "dropped 1 replies to a peer that has finished sending and still reads")
        #expect(try self.problem { _ in Echo() } == nil)
    }

    /// Within the calls that it takes to see it twice: each of the others would take as long.
    @Test(arguments: ["callback", "timer"])
    func `a delegate that blocks is not called again`(place: String) throws {
        final class Counter { var calls = 0 }
        final class Blocking: PipeServerDelegate {
            private let reactor: Reactor
            private let isInTimer: Bool
            private let counter: Counter
            init(_ reactor: Reactor, _ isInTimer: Bool, _ counter: Counter) {
                (self.reactor, self.isInTimer, self.counter) = (reactor, isInTimer, counter)
            }
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
                if isInTimer { reactor.schedule(after: .zero) { [self] in block() } } else { block() }
            }
            private func block() {
                counter.calls += 1
                let end = ContinuousClock.now + .milliseconds(600)
                while ContinuousClock.now < end {}
            }
        }
        let counter = Counter()
        let violations = try DelegateConformance(messages: ["hello"]).check {
            Blocking($0, place == "timer", counter)
        }
        #expect(violations.contains { $0.problem.hasPrefix("held the loop for more than 0.5 seconds in ") })
        // Timers are checked only when the loop has come to rest.
        #expect(counter.calls <= (place == "timer" ? 6 : 2))
    }
}
