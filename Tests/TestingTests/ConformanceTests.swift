// SPDX-License-Identifier: Apache-2.0
import NamedPipesTesting
import Testing

struct ConformanceTests {
    private var conformance = DelegateConformance(messages: ["ping", "pause"])

    init() { conformance.seeds = 0..<20 }

    private func problems<Delegate: PipeServerDelegate>(
        _ makeDelegate: (Reactor) throws -> Delegate, _ adjust: (inout DelegateConformance) -> Void = { _ in }
    ) throws -> [ContractViolation] {
        var conformance = conformance
        conformance.seeds = 0..<10
        conformance.violationLimit = 1
        adjust(&conformance)
        return try conformance.check(server: makeDelegate)
    }

    // MARK: Delegates that keep to the contract

    @Test func `a delegate that uses everything keeps to the contract`() throws {
        let violations = try conformance.check(server: { Busy($0) }, prepare: { $0.server = $1 })
        #expect(violations.isEmpty)
    }

    @Test func `a client's delegate keeps to the contract, also where it connects again`() throws {
        final class Caller: PipeClientDelegate {
            func connectionDidOpen(_ connection: PipeConnection) { _ = try? connection.send("hello") }
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
                if message.count == 1 { connection.close() }
            }
        }
        var conformance = conformance
        conformance.clientConfiguration.reconnection = .init()
        conformance.clientConfiguration.unsentMessages = .keep
        let violations = try conformance.check(client: { _ in Caller() })
        #expect(violations.isEmpty)
    }

    @Test func `every callback and every kind of end happens`() throws {
        final class Census {
            var kinds: Set<DisconnectReason.Kind> = []
            var callbacks: [String: Int] = [:]
        }
        final class Counting: PipeServerDelegate {
            private let census: Census
            init(_ census: Census) { self.census = census }

            private func count(_ callback: String) { census.callbacks[callback, default: 0] += 1 }

            func connectionDidOpen(_ connection: PipeConnection) { count("open") }
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
                count("receive")
                _ = try? connection.send(message)
            }
            func connectionDidDrain(_ connection: PipeConnection) { count("drain") }
            func connectionDidFinishReceiving(_ connection: PipeConnection) {
                count("finish")
                connection.close()
            }
            func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
                count("close")
                census.kinds.insert(reason.kind)
            }
            func serverDidStop(_ server: PipeServer) { count("stop") }
        }
        let census = Census()
        let violations = try conformance.check(server: { _ in Counting(census) })
        #expect(violations.isEmpty)
        #expect(census.callbacks.count == 6)
        #expect(census.callbacks.values.allSatisfy { $0 > 10 }, "\(census.callbacks)")
        #expect(
            census.kinds.isSuperset(of: [
                .closedLocally, .closedByPeer, .resetByPeer, .truncatedByPeer, .framing, .serverStopped, .frameTimeout,
            ]), "\(census.kinds)")
    }

    @Test func `other framings are checked as far as they go`() throws {
        let framings: [any MessageFraming] = [DelimiterFraming.newline, RawFraming()]
        for framing in framings {
            var conformance = conformance
            conformance.seeds = 0..<5
            conformance.serverConfiguration.connection.framing = framing
            let violations = try conformance.check(server: { _ in Echo() })
            #expect(violations.isEmpty)
        }
    }

    // MARK: Delegates that do not

    @Test func `a delegate that blocks the loop is caught`() throws {
        final class Slow: PipeServerDelegate {
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
                let end = ContinuousClock.now + .milliseconds(300)
                while ContinuousClock.now < end {}
            }
        }
        let violations = try problems({ _ in Slow() }) {
            $0.callbackTimeLimit = .milliseconds(200)
        }
        #expect(violations.first?.side == .delegate)
        #expect(violations.first?.problem.hasSuffix("in connection(_:didReceive:)") == true)
    }

    @Test func `a delegate that never closes is caught, with the shortest history that shows it`() throws {
        final class Forgetful: PipeServerDelegate {
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
            func connectionDidFinishReceiving(_ connection: PipeConnection) {}
        }
        let violations = try problems { _ in Forgetful() }
        #expect(violations.map(\.problem) == ["did not close a connection whose peer has finished"])
        #expect(
            violations.first?.description == """
                the delegate did not close a connection whose peer has finished
                    after: a connection; peer 0 finishes; → opened; → finished receiving; all peers finish; 120.0 seconds pass
                """)
    }

    @Test func `a delegate that pauses and never resumes is caught`() throws {
        final class Pausing: PipeServerDelegate {
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
                connection.pauseReceiving()
            }
        }
        let violations = try problems { _ in Pausing() }
        #expect(violations.first?.side == .delegate)
    }

    @Test func `a delegate that keeps connections is caught`() throws {
        final class Hoarding: PipeServerDelegate {
            var all: [PipeConnection] = []
            func connectionDidOpen(_ connection: PipeConnection) { all.append(connection) }
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
        }
        #expect(try problems { _ in Hoarding() }.map(\.problem) == ["keeps a connection that has ended"])
        let allowed = try problems({ _ in Hoarding() }) {
            $0.checksLifetime = false
            $0.checksGrowth = false
        }
        #expect(allowed.isEmpty)
    }

    @Test func `a delegate that holds itself is caught`() throws {
        final class Holding: PipeServerDelegate {
            var work: (() -> Void)?
            func connectionDidOpen(_ connection: PipeConnection) { work = { self.work = nil } }
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
        }
        final class Kept {
            weak var delegate: Holding?
            init(_ delegate: Holding) { self.delegate = delegate }
        }
        var kept: [Kept] = []
        // So that this test does not leak the object that it shows to be kept.
        defer { for one in kept { one.delegate?.work = nil } }
        let violations = try problems { _ in
            let delegate = Holding()
            kept.append(Kept(delegate))
            return delegate
        }
        #expect(violations.first?.problem.hasPrefix("is kept alive after its end") == true)
    }

    @Test func `a delegate that makes work for ever is caught`() throws {
        final class Restless: PipeServerDelegate {
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
                if let executor = connection.server?.reference.executor { Self.again(executor) }
            }
            static func again(_ executor: ReactorExecutor) {
                executor.post { [weak executor] _ in if let executor { again(executor) } }
            }
        }
        let violations = try problems { _ in Restless() }
        #expect(violations.map(\.problem) == ["never lets the loop come to rest"])
    }

    @Test func `the same seed shows the same`() throws {
        final class Moody: PipeServerDelegate {
            var count = 0
            func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) { count += 1 }
            func connectionDidFinishReceiving(_ connection: PipeConnection) { if count % 7 != 3 { connection.close() } }
        }
        let first = try problems { _ in Moody() }
        #expect(first == (try problems { _ in Moody() }))
    }
}

/// Answers later, pauses, broadcasts, finishes and hangs up: everything that a delegate may do.
private final class Busy: PipeServerDelegate {
    weak var server: PipeServer?
    private let reactor: Reactor

    init(_ reactor: Reactor) { self.reactor = reactor }

    func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool { server.connectionCount < 3 }

    func connectionDidOpen(_ connection: PipeConnection) { _ = try? connection.send("welcome") }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        let id = connection.id
        switch message.count {
        case 0: _ = try? server?.broadcast("nothing")
        case 1: connection.finishSending()
        case 5:
            connection.pauseReceiving()
            reactor.schedule(after: .seconds(1)) { [weak self] in self?.server?[id]?.resumeReceiving() }
        default: _ = try? connection.send(message)
        }
    }

    func connectionDidFinishReceiving(_ connection: PipeConnection) {
        let id = connection.id
        reactor.schedule(after: .seconds(3)) { [weak self] in
            guard let connection = self?.server?[id] else { return }
            _ = try? connection.send("farewell")
            connection.close()
        }
    }
}
