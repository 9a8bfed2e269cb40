// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// Counts the messages and connections of one reactor, and lets a function handle each message.
final class MessageCounter {
    /// Handles a message. A thrown error ends its connection; a thrown ``Failure`` stops the server.
    typealias Handler = (_ connection: PipeConnection, _ message: Span<UInt8>) throws -> Void

    // Not checked for overlapping accesses, which costs 30 instructions a message: counting calls no other code.
    @safe @exclusivity(unchecked) private(set) var tally: ServerTally
    private let log: ServerLog
    private let handler: Handler?

    /// - Parameters:
    ///   - countedWord: what the summary counts.
    ///   - handler: nil if tasks handle the messages, and only count them here.
    init(_ log: ServerLog, counting countedWord: String = "message", handler: Handler?) {
        tally = ServerTally(counting: countedWord)
        self.log = log
        self.handler = handler
    }

    func count(_ byteCount: Int) { tally.countMessage(byteCount) }

    /// Tells the operator something of a connection.
    func report(_ text: String) { log.report(text) }

    func didOpen(_ connection: @autoclosure () -> String) { log.didOpen(connection()) }

    func count(_ reason: DisconnectReason, of connection: @autoclosure () -> String) {
        tally.countEnd(reason)
        log.didEnd(reason, connection())
    }

    func handle(_ message: Span<UInt8>, of connection: PipeConnection) {
        guard !log.hasFailed else { return }
        count(message.count)
        do { try handler?(connection, message) } catch { didFail(error, connection) }
    }

    /// Apart, so that it takes no registers from each message.
    @inline(never)
    private func didFail(_ error: any Error, _ connection: PipeConnection) {
        switch error {
        case let failure as Failure:
            log.note(failure)
            // If it is a worker's, the whole pool.
            connection.server?.stop()
        case PipeError.notConnected: break  // The peer was gone before its answer; didCloseWith reports it.
        default:
            log.didFail(error, "\(connection)")
            connection.abort()
        }
    }
}
