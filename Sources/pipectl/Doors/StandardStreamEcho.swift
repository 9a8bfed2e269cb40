// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesProgram

/// Sends every message back over standard input and output, until the input ends.
final class StandardStreamEcho: PipeConnectionDelegate {
    private let reactor: Reactor
    private let work: Work
    private var failure: Failure?

    init(_ reactor: Reactor, _ work: Work) {
        self.reactor = reactor
        self.work = work
    }

    /// Returns when the connection has ended.
    func run(_ wire: WireOptions) throws {
        var configuration = PipeConnection.Configuration()
        wire.apply(to: &configuration)
        let connection = try PipeConnection.standardStreams(configuration, reactor: reactor, delegate: self)
        let signals = try Signals(reactor) { count in
            if count == 1 { connection.close() } else { connection.abort() }
        }
        withExtendedLifetime(signals) { reactor.run() }
        if let failure { throw failure }
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        work.perform()
        do {
            try connection.send(message)
        } catch PipeError.notConnected {
            // The reader was gone before its answer; didCloseWith reports it.
        } catch {
            failure = failure ?? Failure(error)
            connection.abort()
        }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        let lostCount = connection.unsentMessageCount + (connection.hasPartlySentMessage ? 1 : 0)
        if lostCount > 0 {
            failure = failure ?? Failure("\(counted(lostCount, "answer")) not delivered: \(reason.text)")
        } else if reason != .closedByPeer, reason != .closedLocally {
            failure = failure ?? Failure("the connection was \(reason.text)")
        }
        reactor.stop()
    }
}
