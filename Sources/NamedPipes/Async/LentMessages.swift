// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Messages that tasks on other threads may take without a hop to the reactor's thread. They are older than all
/// messages that wait there, and all tasks take from the same queue, on whatever thread they are. So no task keeps a
/// message that another could handle, and no message overtakes an earlier one.
final class LentMessages: Sendable {
    // Not private: otherwise the compiler (6.3.1) writes a module in which it is missing.
    struct Contents: ~Copyable {
        var queue = MessageQueue()
        /// The size of the memory as last seen by the reactor.
        var knownByteCount = 0
    }

    private let contents = Mutex(Contents())

    /// A loan up to this size is not reported before it is used up.
    private static let smallByteCount = 4 << 10

    /// Takes the first message.
    ///
    /// - Returns: the message, and whether the reactor should look: all messages are taken, or half of the memory that
    ///   it knows of is free.
    func takeFirst() -> (message: PipeMessage, isWorthTelling: Bool)? {
        contents.withLock { contents in
            guard let message = contents.queue.takeFirst() else { return nil }
            let (left, known) = (contents.queue.memoryByteCount, contents.knownByteCount)
            return (message, contents.queue.isEmpty || (known > Self.smallByteCount && left <= known / 2))
        }
    }

    /// The number of messages.
    var count: Int { contents.withLock { $0.queue.count } }

    // MARK: On the reactor's thread

    func append(_ inbox: inout MessageInbox) {
        var messages = MessageQueue()
        inbox.move(to: &messages)
        contents.withLock { $0.queue.append(contentsOf: &messages) }
    }

    /// The waiting bytes, for the reactor's accounts.
    func look() -> (byteCount: Int, memoryByteCount: Int) {
        contents.withLock { contents in
            contents.knownByteCount = contents.queue.memoryByteCount
            return (contents.queue.byteCount, contents.queue.memoryByteCount)
        }
    }
}
