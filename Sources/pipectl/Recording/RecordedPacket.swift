// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// A packet of a recording: a message, or a part of one that is too large for a packet, behind a header. Numbers are in
/// network byte order, whatever the order of the file.
///
/// | Byte | Size | |
/// |---|---|---|
/// | 0 | 1 | the version of the header, 1 |
/// | 1 | 1 | the direction: 0 to the server, 1 to the client |
/// | 2 | 1 | bit 0: the user is known; bit 1: the process is known |
/// | 3 | 1 | N, the size of the connection's identifier |
/// | 4 | 4 | the client's user, or 0 |
/// | 8 | 4 | the client's process, or 0 |
/// | 12 | 2 | the size of the header with the identifier, behind which these bytes of the message begin |
/// | 14 | 2 | 0 |
/// | 16 | 8 | the number of the message in the capture |
/// | 24 | 8 | the size of the whole message |
/// | 32 | 8 | the offset of these bytes in it |
/// | 40 | N | the connection's identifier in UTF-8, such as `17.1` |
///
/// A reader skips what it does not know between the identifier and the size that is in byte 12.
struct RecordedPacket: Hashable {
    /// Without its bytes and its time.
    var message: CapturedMessage
    var offset: Int
    var bytes: ArraySlice<UInt8>

    private static let fixedByteCount = 40

    /// How many bytes of a message fit into a packet with an identifier of this size.
    static func room(forIdentifierOf byteCount: Int) -> Int {
        Pcapng.maximumPacketByteCount - fixedByteCount - byteCount
    }
}

// MARK: - To bytes

extension RecordedPacket {
    /// The header, behind which the bytes are to follow.
    var header: [UInt8] {
        let identifier = Self.identifier(of: message)
        var header: [UInt8] = [1, message.direction == .toServer ? 0 : 1]
        header.append((message.userID == nil ? 0 : 1) | (message.processID == nil ? 0 : 2))
        header.append(UInt8(identifier.count))
        header.append(bigEndian: message.userID ?? 0)
        header.append(bigEndian: message.processID ?? 0)
        header.append(bigEndian: UInt16(Self.fixedByteCount + identifier.count))
        header.append(bigEndian: UInt16(0))
        header.append(bigEndian: message.sequence)
        header.append(bigEndian: UInt64(message.byteCount))
        header.append(bigEndian: UInt64(offset))
        return header + identifier
    }

    /// The packets of a message: one, or several if it is large.
    static func all(of message: CapturedMessage) -> [RecordedPacket] {
        let room = room(forIdentifierOf: identifier(of: message).count)
        var bare = message
        bare.bytes = []
        return stride(from: 0, to: max(1, message.bytes.count), by: room).map { offset in
            RecordedPacket(message: bare, offset: offset, bytes: message.bytes.dropFirst(offset).prefix(room))
        }
    }

    /// Identifiers of servers have a few bytes; one that is longer than the field loses its end.
    private static func identifier(of message: CapturedMessage) -> [UInt8] {
        guard message.connection.utf8.count > 255 else { return Array(message.connection.utf8) }
        var text = message.connection
        while text.utf8.count > 255 { text.removeLast() }
        return Array(text.utf8)
    }
}

// MARK: - From bytes

extension RecordedPacket {
    /// Nil if the packet is no message of a recording.
    ///
    /// - Parameter nanoseconds: its time.
    init?(_ packet: [UInt8], nanoseconds: Int64) {
        guard packet.count >= Self.fixedByteCount, packet[0] == 1, packet[1] <= 1 else { return nil }
        let nameEnd = Self.fixedByteCount + Int(packet[3])
        let start = Int(packet.bigEndian(at: 12, as: UInt16.self))
        guard (nameEnd...max(nameEnd, packet.count)).contains(start), start <= packet.count,
            let connection = String(validating: packet[Self.fixedByteCount..<nameEnd], as: UTF8.self),
            let size = Int(exactly: packet.bigEndian(at: 24, as: UInt64.self)),
            let offset = Int(exactly: packet.bigEndian(at: 32, as: UInt64.self))
        else { return nil }
        let bytes = packet[start...]
        guard offset <= size, bytes.count <= size - offset else { return nil }
        message = CapturedMessage(
            nanoseconds: nanoseconds, connection: connection, direction: packet[1] == 0 ? .toServer : .toClient,
            userID: packet[2] & 1 == 0 ? nil : packet.bigEndian(at: 4, as: UInt32.self),
            processID: packet[2] & 2 == 0 ? nil : packet.bigEndian(at: 8, as: Int32.self),
            sequence: packet.bigEndian(at: 16, as: UInt64.self), byteCount: size, bytes: [])
        self.offset = offset
        self.bytes = bytes
    }
}

extension [UInt8] {
    fileprivate mutating func append<Value: FixedWidthInteger>(bigEndian value: Value) {
        for shift in stride(from: Value.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> Value(shift)))
        }
    }

    fileprivate func bigEndian<Value: FixedWidthInteger>(at index: Int, as type: Value.Type) -> Value {
        self[index..<index + Value.bitWidth / 8].reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
    }
}
