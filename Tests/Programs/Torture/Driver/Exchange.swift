// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeReactor

/// The whole life of a server and its clients.
enum Exchange {
    /// Far more than an undisturbed run takes, and enough for every delay that a failed call leads to.
    private static let patience = Duration.seconds(50)

    /// Ends a connection that a failed call has left hanging. Any other one is done sooner, so only a machine that
    /// stands still for that long could change the outcome.
    private static let grace = Duration.seconds(10)

    static func run(at text: String, as course: Course) -> Verdict {
        var verdict = Verdict()
        _ = verdict.attempt("a thread") {
            let thread = try ReactorThread(name: "torture") { _ in }
            thread.stop()
            thread.join()
        }
        _ = verdict.attempt("a unique name") { try PipeAddress.unique() }
        guard let address = verdict.attempt("the address", { try PipeAddress(parsing: text) }),
            let reactor = verdict.attempt("the reactor", { try Reactor() })
        else { return verdict }
        return run(at: address, as: course, on: reactor, verdict)
    }

    private static func run(
        at address: PipeAddress, as course: Course, on reactor: Reactor, _ verdict: Verdict
    ) -> Verdict {
        let host = Host(reactor, verdict)
        let predecessor =
            course == .takeover
            ? host.verdict.attempt("the predecessor") { try Predecessor(at: address, configuration(course)) } : nil
        // The first client waits for the server; the others come when it is there.
        var guests = [Guest(.disconnect, address, reactor)]
        reactor.run(timeout: .milliseconds(2)) { false }
        // A predecessor serves for a second after it has lost the name. A client that had more to send then, on a slow
        // machine, would be cut off; what has left the client is answered, however long that takes.
        if predecessor != nil { expect(reactor, host, "the first client") { guests[0].hasSentEverything } }
        let server = host.verdict.attempt("the server") { try makeServer(at: address, as: course, reactor, host) }
        if let server {
            if server.address != address { host.verdict.errors.append("the server's name is \(server.address)") }
            if course == .republish { republish(server, address, reactor, host) }
            let smuggler = course == .guarded ? Smuggler(address) : nil
            guests += [.finish, .vanish, .stay].map { Guest($0, address, reactor) }
            expect(reactor, host, "the exchange") { guests.allSatisfy(\.isSettled) }
            smuggler?.leave()
            let ticks = reactor.schedule(after: .zero, repeating: .milliseconds(1)) {}
            // While its successor has the name: a predecessor that looks on a timer, because it can watch nothing, may
            // look too late to see the successor.
            if let predecessor { expect(reactor, host, "the predecessor") { predecessor.hasStopped } }
            _ = host.verdict.attempt("the broadcast") { try server.broadcast(Message.farewell) }
            server.stop(gracePeriod: grace)
            expect(reactor, host, "the stop") { host.hasStopped && guests.allSatisfy(\.hasLeft) }
            // Descriptors from a peer are closed on other threads.
            expect(reactor, host, "the closing of descriptors") { DescriptorDisposal.shared.threadCount == 0 }
            ticks.cancel()
        }
        if let outcome = predecessor?.end() {
            host.verdict.errors += outcome.errors
            host.verdict.violations += outcome.violations
            host.verdict.receivedCount += outcome.receivedCount
        }
        for guest in guests { guest.end() }
        reactor.stop()
        reactor.run()
        return summary(host, guests, hasServer: server != nil)
    }

    private static func makeServer(
        at address: PipeAddress, as course: Course, _ reactor: Reactor, _ host: Host
    ) throws(PipeError) -> PipeServer {
        let configuration = configuration(course)
        guard course == .inherited else {
            return try PipeServer(
                listeningOn: address, configuration: configuration, reactor: reactor, delegate: host)
        }
        guard let listener = try InheritedListener.first() else { fatalError("there is no listener") }
        return try PipeServer(inheriting: listener, configuration: configuration, reactor: reactor, delegate: host)
    }

    /// Makes the name look old, which the server corrects where files can be watched and times be set. Then deletes it,
    /// and waits for its return.
    private static func republish(_ server: PipeServer, _ address: PipeAddress, _ reactor: Reactor, _ host: Host) {
        guard let path = address.path else { return }
        let age = Age(ofName: path)
        age.grow()
        reactor.run(timeout: .milliseconds(50)) { age.isOver }
        guard unsafe unlink(path) == 0 else { return }
        expect(reactor, host, "the new name") { host.hasRegainedName }
    }

    private static func configuration(_ course: Course) -> PipeServer.Configuration {
        var configuration = PipeServer.Configuration()
        if course == .takeover { configuration.existingServer = .takeOver }
        if course == .republish { configuration.nameLoss = .republish }
        configuration.republishInterval = .milliseconds(20)
        configuration.connection.lacksPassRights = course == .guarded
        configuration.permissions = .group(getegid())
        configuration.connection.highWaterMark = 64 << 10
        configuration.connection.lowWaterMark = 16 << 10
        configuration.connection.closeTimeout = grace
        configuration.handOverGrace = grace
        return configuration
    }

    private static func expect(_ reactor: Reactor, _ host: Host, _ what: String, _ condition: () -> Bool) {
        if !reactor.run(timeout: patience, until: condition) { host.verdict.violations.append("\(what) hangs") }
    }

    private static func summary(_ host: Host, _ guests: [Guest], hasServer: Bool) -> Verdict {
        var verdict = host.verdict
        for guest in guests {
            verdict.errors += guest.errors
            verdict.violations += guest.violations
            verdict.answeredCount += guest.inbox.count
        }
        verdict.isComplete = hasServer && guests.allSatisfy(\.isComplete)
        return verdict
    }
}
