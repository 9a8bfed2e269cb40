// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import CNATS
internal import Glibc
internal import NamedPipes

/// The only owner of a subscription. Its end unsubscribes.
@safe
struct BrokerSubscription: ~Copyable {
    private let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        unsafe self.pointer = pointer
        // What waits here is what one read has brought.
        unsafe natsSubscription_SetPendingLimits(pointer, -1, -1)
    }

    deinit { unsafe natsSubscription_Destroy(pointer) }

    /// Asks the broker to send no more, and keeps what it has sent already (`natsSubscription_Drain`). The library
    /// waits for that on a thread of its own, which calls nothing of ours.
    func drain() { unsafe natsSubscription_Drain(pointer) }

    /// The next message that was read; nil if there is none.
    func next() -> BrokerMessage? {
        while true {
            var message: OpaquePointer?
            let status = unsafe natsSubscription_NextMsg(&message, pointer, 0)
            if let message = unsafe message { return unsafe BrokerMessage(message) }
            guard status == NATS_NO_RESPONDERS else { return nil }
        }
    }

    /// The answer to the only request whose answers come here; nil if there is none yet.
    func answer() -> BrokerAnswer? {
        var message: OpaquePointer?
        let status = unsafe natsSubscription_NextMsg(&message, pointer, 0)
        if let message = unsafe message { return unsafe .message(BrokerMessage(message)) }
        return status == NATS_NO_RESPONDERS ? .noResponders : nil
    }

    /// Whether the broker has said that a request has no receiver, whose answers come here. The library hides the
    /// message that says so, and with it which request it is about; hence a subscription for each request. All other
    /// messages are dropped.
    func saysNoResponders() -> Bool {
        while true {
            var message: OpaquePointer?
            let status = unsafe natsSubscription_NextMsg(&message, pointer, 0)
            if status == NATS_NO_RESPONDERS { return true }
            guard let message = unsafe message else { return false }
            _ = unsafe BrokerMessage(message)
        }
    }
}

/// What comes of a request.
enum BrokerAnswer: ~Copyable {
    case message(BrokerMessage)
    /// The broker says that no server has subscribed to the subject.
    case noResponders
}

/// The only owner of a message that was received.
@safe
struct BrokerMessage: ~Copyable {
    private let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

    deinit { unsafe natsMsg_Destroy(pointer) }

    func withContent<Result, Failure>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let count = Int(unsafe natsMsg_GetDataLength(pointer))
        let start = unsafe UnsafeRawPointer(natsMsg_GetData(pointer))
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count)
        return try body(unsafe Span<UInt8>(_unsafeBytes: bytes))
    }

    /// The session to which it is addressed, if its subject ends in a token.
    var token: SessionToken? { unsafe Self.withText(natsMsg_GetSubject(pointer)) { SessionToken(endOf: $0) } }

    var subject: String { unsafe natsMsg_GetSubject(pointer).map { unsafe String(cString: $0) } ?? "" }

    var content: [UInt8] { withContent { [UInt8](copying: $0) } }

    /// The value of a header, if there is one.
    func header(_ name: String) -> String? {
        var value: UnsafePointer<CChar>?
        guard unsafe natsMsgHeader_Get(pointer, name, &value) == NATS_OK else { return nil }
        return unsafe value.map { unsafe String(cString: $0) }
    }

    /// Where an answer goes, ending in zero; empty if none is expected.
    var reply: [UInt8] {
        unsafe Self.withText(natsMsg_GetReply(pointer)) { text in
            text.isEmpty ? [] : [UInt8](copying: text) + [0]
        }
    }

    private static func withText<Result>(_ text: UnsafePointer<CChar>?, _ body: (Span<UInt8>) -> Result) -> Result {
        let count = unsafe text.map { unsafe strlen($0) } ?? 0
        let bytes = unsafe UnsafeRawBufferPointer(start: text, count: count)
        return body(unsafe Span<UInt8>(_unsafeBytes: bytes))
    }
}
#endif
