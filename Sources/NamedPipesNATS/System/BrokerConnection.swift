// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import CNATS
internal import Glibc
internal import PipeReactor

/// The only owner of a connection of the library. Its end closes the connection.
///
/// It is made on a helper thread, because connecting blocks, and used on the loop from then on.
@safe
struct BrokerConnection: ~Copyable, Sendable {
    private nonisolated(unsafe) let pointer: OpaquePointer
    private let key: UInt
    let events: BrokerEvents

    /// Connects, and waits for the broker's answer. Not on the loop.
    init(
        _ servers: [String], _ configuration: NATSLink.Configuration, _ events: BrokerEvents
    ) throws(NATSError) {
        let options = try BrokerOptions(servers, configuration)
        let key = BrokerDirectory.insert(events)
        do throws(NATSError) {
            try options.report(to: key)
            unsafe pointer = try options.connect()
            self.key = key
            self.events = events
        } catch {
            BrokerDirectory.remove(key)
            throw error
        }
    }

    deinit {
        // Closing waits for the broker's answer to bytes that are still unwritten: up to half a second.
        unsafe natsConnection_Destroy(pointer)
        BrokerDirectory.remove(key)
    }

    // MARK: Facts

    /// The largest message that the broker takes, in bytes.
    var maximumPayload: Int { Int(unsafe natsConnection_GetMaxPayload(pointer)) }

    /// How many bytes wait to be written.
    var unwrittenByteCount: Int { max(Int(unsafe natsConnection_Buffered(pointer)), 0) }

    var isClosed: Bool { unsafe natsConnection_IsClosed(pointer) }

    /// The broker's URL, without a password.
    var server: String {
        var text = [CChar](repeating: 0, count: 512)
        guard unsafe natsConnection_GetConnectedUrl(pointer, &text, text.count) == NATS_OK else { return "" }
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return NATSAddress.hidingPassword(String(decoding: bytes, as: UTF8.self))
    }

    /// Why the connection is closed.
    var lastError: NATSError {
        var text: UnsafePointer<CChar>?
        let status = unsafe natsConnection_GetLastError(pointer, &text)
        guard status != NATS_OK else { return .connectionLost }
        let error = unsafe NATSError(status, text.map { unsafe String(cString: $0) } ?? "")
        return error == .noBroker ? .connectionLost : error
    }

    // MARK: Events

    /// Reads once, and sorts what has arrived into the subscriptions.
    func readEvent() { unsafe natsConnection_ProcessReadEvent(pointer) }

    /// Writes once.
    func writeEvent() { unsafe natsConnection_ProcessWriteEvent(pointer) }

    /// Closes without waiting. If the library reads the end of a connection, it closes at once; otherwise it would
    /// first wait for the broker to confirm what is unwritten, for up to half a second.
    ///
    /// - Parameter socket: a descriptor of the connection's socket.
    func abort(_ socket: Int32) {
        guard !isClosed, unwrittenByteCount > 0 else { return }
        _ = attemptCall("shutdown") { shutdown(socket, Int32(SHUT_RDWR)) }
        // What has arrived is read first. More than this cannot be in the socket's buffer.
        for _ in 0..<1024 where !isClosed { readEvent() }
    }

    /// Sends the end of the stream (`SHUT_WR`). The library knows nothing of that, and reads on.
    ///
    /// - Parameter socket: a descriptor of the connection's socket.
    func shutDownOutput(_ socket: Int32) { _ = attemptCall("shutdown") { shutdown(socket, Int32(SHUT_WR)) } }

    // MARK: Subjects

    /// Receives what is sent to a subject.
    ///
    /// - Parameter group: the queue group, of which each message reaches one member.
    func subscribe(to subject: String, group: String? = nil) throws(NATSError) -> BrokerSubscription {
        var made: OpaquePointer?
        if let group {
            try libraryCall { unsafe natsConnection_QueueSubscribeSync(&made, pointer, subject, group) }
        } else {
            try libraryCall { unsafe natsConnection_SubscribeSync(&made, pointer, subject) }
        }
        guard let made = unsafe made else { throw .library(status: Int(NATS_NO_MEMORY.rawValue), "out of memory") }
        return unsafe BrokerSubscription(made)
    }

    /// Appends a message to what waits to be written.
    ///
    /// - Parameters:
    ///   - subject: where to, ending in zero.
    ///   - reply: where an answer goes, ending in zero; empty if none is expected.
    ///   - message: the content.
    func publish(to subject: [UInt8], reply: [UInt8], _ message: [UInt8]) throws(NATSError) {
        try libraryCall {
            unsafe subject.withCString { subject in
                unsafe reply.withCString { reply in
                    unsafe message.withUnsafeBytes { message in
                        let (start, count) = (message.baseAddress, Int32(message.count))
                        guard let reply = unsafe reply else {
                            return unsafe natsConnection_Publish(pointer, subject, start, count)
                        }
                        return unsafe natsConnection_PublishRequest(pointer, subject, reply, start, count)
                    }
                }
            }
        }
    }
}

/// A header of a message: `name: value`.
typealias MessageHeader = (name: String, value: String)

extension BrokerConnection {
    /// How many bytes headers add to a message, which the broker counts: `NATS/1.0`, a line for each, an empty line.
    static func byteCount(of headers: [MessageHeader]) -> Int {
        guard !headers.isEmpty else { return 0 }
        return headers.reduce(12) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    }

    /// Appends a message with headers, whose values have no line feeds.
    func publish(
        to subject: [UInt8], reply: [UInt8] = [], headers: [MessageHeader], _ message: [UInt8]
    ) throws(NATSError) {
        var made: OpaquePointer?
        try libraryCall {
            unsafe subject.withCString { subject in
                unsafe reply.withCString { reply in
                    unsafe message.withUnsafeBytes { message in
                        let start = unsafe message.baseAddress?.assumingMemoryBound(to: CChar.self)
                        return unsafe natsMsg_Create(&made, subject, reply, start, Int32(message.count))
                    }
                }
            }
        }
        defer { unsafe natsMsg_Destroy(made) }
        for header in headers { try libraryCall { unsafe natsMsgHeader_Set(made, header.name, header.value) } }
        try libraryCall { unsafe natsConnection_PublishMsg(pointer, made) }
    }
}

extension [UInt8] {
    /// The text, which ends in zero; nil if it is empty: an empty array has an address as well.
    fileprivate func withCString<Result>(_ body: (UnsafePointer<CChar>?) -> Result) -> Result {
        guard !isEmpty else { return body(nil) }
        return unsafe withUnsafeBytes { bytes in
            unsafe body(bytes.baseAddress.map { unsafe $0.assumingMemoryBound(to: CChar.self) })
        }
    }
}
#endif
