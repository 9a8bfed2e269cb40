// SPDX-License-Identifier: Apache-2.0
#if NATS
public import NamedPipes
internal import PipeReactor

/// A group of a server's connections that spans all servers at a name: made by ``NATSLink/span(_:of:at:)``.
///
/// It belongs to its reactor's thread. The link retains it until ``leave()``.
public final class NATSGroup {
    /// The group of the server's connections whose members get the messages.
    public let group: PipeGroup

    /// The name at the broker, the same at all servers of the group.
    public let name: NATSName

    /// Called from the loop if a message from the broker cannot be sent to the members here: it is larger than the
    /// server's framing allows, or the framing refuses it. The default does nothing.
    public var onRefusal: (PipeError) -> Void = { _ in }

    private weak var link: NATSLink?
    private weak var server: PipeServer?
    private var listening: BrokerListening?

    init(_ group: PipeGroup, _ server: PipeServer, _ name: NATSName) {
        self.group = group
        self.server = server
        self.name = name
        link = name.link
    }

    private var subject: String { "pipes.\(name.text).group" }

    /// Sends one message to the members at every server that spans the group, this one included. The broker gets it
    /// once, and each server sends it to its own members.
    ///
    /// The members here get it as the others do, when the broker has passed it on: all members get the messages of one
    /// publisher in the same order. It is delivered at most once, without a word about members that did not get it.
    ///
    /// - Parameter message: its bytes, at most what the broker accepts (`max_payload`, 1 MiB by default).
    /// - Throws: ``NATSError/messageTooLarge(byteCount:limit:)``, or why the link is not connected; in this case no
    ///   member gets it.
    public func publish(_ message: [UInt8]) throws(NATSError) {
        guard let link, let line = link.line else { throw link?.obstacle ?? .connectionLost }
        let limit = line.connection.maximumPayload
        guard message.count <= limit else { throw .messageTooLarge(byteCount: message.count, limit: limit) }
        try line.connection.publish(to: Array(subject.utf8) + [0], reply: [], message)
        link.schedule()
    }

    /// Sends the UTF-8 bytes of a text; see ``publish(_:)-([UInt8])``.
    public func publish(_ message: String) throws(NATSError) { try publish(Array(message.utf8)) }

    /// Gets no more messages from the broker. The group goes on at the other servers.
    public func leave() {
        listening = nil
        link?.listeners[ObjectIdentifier(self)] = nil
        link?.schedule()
    }
}

extension NATSGroup: LinkListener {
    func subscribe(on line: BrokerLine) throws(NATSError) {
        listening = BrokerListening(try line.connection.subscribe(to: subject))
    }

    func receive(on line: BrokerLine) {
        while let message = listening?.next() {
            guard let server, !server.isStopped else { return leave() }
            do throws(PipeError) {
                try server.publish(message.content, to: group)
            } catch {
                onRefusal(error)
            }
        }
    }

    func linkDidEnd() { leave() }
}

extension NATSLink {
    /// Lets a group of a server's connections span all servers that call this with the same name: on other machines, at
    /// a broker's name or at local ones.
    ///
    /// ```swift
    /// let news = try link.span("news", of: server, at: "chat.news")
    /// try news.publish("hello")                      // to the members at every server
    /// try server.publish("hello", to: "news")        // to the members here, as before
    /// ```
    ///
    /// Every user of the broker who may publish to `pipes.NAME.group` reaches the members.
    ///
    /// - Parameters:
    ///   - group: the group, as its members have joined it.
    ///   - server: a server on this link's reactor.
    ///   - name: the name at the broker; see ``name(_:)``.
    /// - Throws: ``NATSError/invalidName(_:)`` or ``NATSError/closed``.
    public func span(_ group: PipeGroup, of server: PipeServer, at name: String) throws(NATSError) -> NATSGroup {
        guard state != .closed else { throw .closed }
        let spanning = NATSGroup(group, server, try self.name(name))
        add(spanning)
        return spanning
    }
}

@available(*, unavailable, message: "a group belongs to its reactor's thread")
extension NATSGroup: Sendable {}
#endif
