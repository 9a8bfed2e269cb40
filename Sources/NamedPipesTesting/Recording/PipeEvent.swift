// SPDX-License-Identifier: Apache-2.0

/// One callback of a delegate, as a value that can be compared; recorded by a ``RecordingDelegate``.
///
/// ```swift
/// #expect(recorder.events == [.opened, .received("hello"), .finishedReceiving, .closed(.closedByPeer)])
/// ```
@nonexhaustive
public enum PipeEvent: Hashable, Sendable {
    /// `connectionDidOpen`
    case opened
    /// `connection(_:didReceive:)`, with a copy of the message.
    case received([UInt8])
    /// `connectionDidDrain`
    case drained
    /// `connection(_:didFailSendingWith:)`
    case failedSending(unsentMessageCount: Int)
    /// `connectionDidFinishReceiving`
    case finishedReceiving
    /// `connection(_:didCloseWith:)`
    case closed(DisconnectReason)

    /// `server(_:shouldAccept:)`
    case asked(PeerCredentials)
    /// `server(_:didRefuse:)`
    case refused(ConnectionRefusal)
    /// `server(_:didFailToAcceptWith:)`
    case failedToAccept(SystemError)
    /// `server(_:didLoseName:)`
    case lostName(NameLoss)
    /// `server(_:didFailToRepublish:)`
    case failedToRepublish(PipeError)
    /// `serverDidRegainName`
    case regainedName
    /// `server(_:didSkip:)`
    case skipped(FramingError)
    /// `serverDidStop`
    case stopped

    /// `client(_:didChangeTo:)`
    case changed(PipeClient.State)
    /// `client(_:didFailToConnectWith:)`
    case failedToConnect(PipeError)
    /// `client(_:didFailToReconnectWith:)`
    case failedToReconnect(PipeError)

    /// A received message with this text in UTF-8.
    public static func received(_ text: String) -> PipeEvent { .received(Array(text.utf8)) }
}

extension PipeEvent: CustomStringConvertible {
    /// Short, for the message of a failed expectation; of a long message, the first 256 bytes and its size.
    public var description: String {
        switch self {
        case .opened: "opened"
        case .received(let message): "received \(MessageText.text(of: message))"
        case .drained: "drained"
        case .failedSending(let count): "failed sending, \(count) unsent"
        case .finishedReceiving: "finished receiving"
        case .closed(let reason): "closed (\(reason))"
        case .asked(let peer): "asked about \(peer)"
        case .refused(let refusal): "refused (\(refusal))"
        case .failedToAccept(let error): "failed to accept: \(error)"
        case .lostName(let loss): "lost its name: \(loss)"
        case .failedToRepublish(let error): "failed to republish: \(error)"
        case .regainedName: "regained its name"
        case .skipped(let error): "skipped: \(error)"
        case .stopped: "stopped"
        case .changed(let state): "changed to \(state)"
        case .failedToConnect(let error): "failed to connect: \(error)"
        case .failedToReconnect(let error): "failed to reconnect: \(error)"
        }
    }
}
