// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The descriptors of a kept message, which all copies of the message share until one of them takes them out.
final class KeptDescriptors: Sendable {
    private let content: Mutex<ReceivedDescriptors>

    init(_ descriptors: consuming ReceivedDescriptors) { content = Mutex(descriptors) }

    var count: Int { content.withLock { $0.count } }

    func takeAll() -> ReceivedDescriptors { content.withLock { $0.takeAll() } }
}

extension PipeMessage {
    /// How many descriptors came with the message and were not taken out yet. They are not sent with it when the
    /// message is sent.
    public var descriptorCount: Int { unsafe memory.owner.descriptors?.count ?? 0 }

    /// Takes out the descriptors that came with the message. From any thread; all copies of the message share them, so
    /// the first call gets them, and later ones none.
    ///
    /// Descriptors that are not taken are closed with the last copy of the message, and until then count as in flight;
    /// see ``DescriptorPolicy/accepted(perMessage:perConnection:perUser:from:)``.
    public func takeDescriptors() -> ReceivedDescriptors {
        unsafe memory.owner.descriptors?.takeAll() ?? ReceivedDescriptors(taking: [])
    }
}

extension PipeConnection {
    /// Keeps a message and all descriptors that came with it beyond the callback that received them;
    /// ``PipeMessage/takeDescriptors()`` takes them out. The message is copied.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - descriptors: its descriptors, which are all taken out.
    public func keep(_ message: Span<UInt8>, descriptors: inout ReceivedDescriptors) -> PipeMessage {
        let kept = PipeMessage(copying: message)
        unsafe kept.memory.owner.descriptors = KeptDescriptors(descriptors.takeAllInFlight())
        return kept
    }
}
