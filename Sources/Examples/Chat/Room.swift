// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// The server's side: who is here, and what is said.
///
/// The first message of a connection is its nickname. Only connections with a nickname hear the others.
final class Room: PipeServerDelegate {
    weak var server: PipeServer?

    /// The `context` of a connection.
    private final class Member {
        var nickname: String
        init(nickname: String) { self.nickname = nickname }
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        guard let utf8 = try? UTF8Span(validating: message) else {
            return tell(connection, "only UTF-8 is spoken here")
        }
        let text = String(copying: utf8)
        guard let member = connection.context as? Member else { return join(connection, text) }
        // By scalar: a space followed by an accent would be a Character other than the space.
        if text.unicodeScalars.starts(with: "/nick ".unicodeScalars) {
            rename(member, of: connection, to: String(text.unicodeScalars.dropFirst("/nick ".unicodeScalars.count)))
        } else {
            say("\(member.nickname): \(text)", exceptTo: connection)
        }
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        guard let member = connection.context as? Member else { return }
        say("* \(member.nickname) left", exceptTo: connection)
    }

    private func join(_ connection: PipeConnection, _ nickname: String) {
        guard isFree(nickname) else { return tell(connection, "the name '\(nickname)' is not available") }
        connection.context = Member(nickname: nickname)
        say("* \(nickname) joined")
    }

    private func rename(_ member: Member, of connection: PipeConnection, to nickname: String) {
        guard isFree(nickname) else { return tell(connection, "the name '\(nickname)' is not available") }
        say("* \(member.nickname) is now \(nickname)")
        member.nickname = nickname
    }

    private func isFree(_ nickname: String) -> Bool {
        let members = server?.connections.compactMap { $0.context as? Member } ?? []
        return !nickname.isEmpty && !members.contains { $0.nickname == nickname }
    }

    /// Tells all guests who have a nickname, except one.
    private func say(_ line: String, exceptTo speaker: PipeConnection? = nil) {
        // A line that is too large for one guest is too large for all, so no guest gets it. A guest that does not keep
        // up loses lines.
        _ = try? server?.broadcast(line) { $0 !== speaker && $0.context is Member }
    }

    private func tell(_ connection: PipeConnection, _ line: String) {
        _ = try? connection.send("! \(line)")
    }
}
