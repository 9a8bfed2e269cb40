// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// Carries commands from connections to the database, and its replies back.
///
/// Each reply is queued separately: those of a burst are written together, with one call.
final class DatabaseServer: PipeServerDelegate {
    private var database = Database()

    /// The `context` of a connection whose client has asked for the third version.
    private final class ThirdVersion {}

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        let version: Reply.Version = connection.context == nil ? .two : .three
        database.reply.version = version
        let outcome = database.execute(message)
        if database.reply.version != version {
            connection.context = database.reply.version == .three ? ThirdVersion() : nil
        }
        do {
            if !database.reply.isEmpty { try database.reply.send(on: connection) }
            if outcome == .closes { connection.close() }
        } catch {
            // If a reply were missing, all later ones would be mistaken for others.
            connection.abort()
        }
        database.clearReply()
    }

    /// Keeps removing expired keys that are not accessed: a few slots of the table at a time.
    func removeExpired(every interval: Duration, on reactor: Reactor) {
        reactor.schedule(after: interval) { [self] in
            database.removeSomeExpired()
            removeExpired(every: interval, on: reactor)
        }
    }
}
