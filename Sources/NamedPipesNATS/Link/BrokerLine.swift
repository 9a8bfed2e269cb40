// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipes
internal import PipeReactor

/// A connection to a broker, and what the loop watches of it.
final class BrokerLine {
    let connection: BrokerConnection
    let inbox: BrokerSubscription
    /// The largest payload of a piece, in bytes.
    let pieceByteCount: Int

    private let reactor: Reactor
    private let onEvent: () -> Void
    private let onRoom: () -> Void
    private let descriptor: OwnedDescriptor
    // Both end before the descriptor closes: see `end()`.
    private var input: DescriptorWatch?
    private var output: DescriptorWatch?
    private var isCrowded = false
    /// Called when nothing waits to be written any more.
    var onWritten: () -> Void = {}

    /// How many bytes wait to be written.
    var unwrittenByteCount: Int { connection.unwrittenByteCount }

    /// More than this waits to be written: sessions send no more.
    static let highMark = 4 << 20
    /// Less than this waits to be written: they go on.
    static let lowMark = 1 << 20
    static let maximumPieceByteCount = 256 << 10

    /// - Parameters:
    ///   - onEvent: called when there is input.
    ///   - onRoom: called when sessions may send again.
    init(
        _ connection: consuming BrokerConnection, inbox subject: String, _ reactor: Reactor,
        onEvent: @escaping () -> Void, onRoom: @escaping () -> Void
    ) throws(NATSError) {
        guard let descriptor = connection.events.takeSocket() else { throw .connectionLost }
        inbox = try connection.subscribe(to: subject)
        pieceByteCount = min(connection.maximumPayload - Piece.headerByteCount, Self.maximumPieceByteCount)
        self.connection = connection
        self.descriptor = descriptor
        self.reactor = reactor
        self.onEvent = onEvent
        self.onRoom = onRoom
        do {
            input = try reactor.watch(self.descriptor.rawValue, for: .reading) { [weak self] in self?.onEvent() }
        } catch {
            throw .library(status: Int(error.code), error.description)
        }
    }

    /// Whether sessions may send. Those that may not are told when there is room.
    func hasRoom() -> Bool {
        isCrowded = connection.unwrittenByteCount >= Self.highMark
        return !isCrowded
    }

    /// Writes what waits, once; what is left is written when the broker takes it.
    func flush() {
        guard connection.events.takeOutput() || output != nil else { return }
        connection.writeEvent()
        let count = connection.unwrittenByteCount
        if count == 0 {
            output = nil
            onWritten()
        } else if output == nil {
            watchOutput()
        }
        guard isCrowded, count < Self.lowMark else { return }
        isCrowded = false
        onRoom()
    }

    /// Tells the broker that no more follows. It reads what was written, and closes.
    func finishWriting() { connection.shutDownOutput(descriptor.rawValue) }

    private func watchOutput() {
        do {
            output = try reactor.watch(descriptor.rawValue, for: .writing) { [weak self] in self?.flush() }
        } catch {
            // Without a watch (`ENOSPC`), nothing would ever write the rest.
            connection.abort(descriptor.rawValue)
        }
    }

    /// Stops watching, and closes the connection. What the broker has not taken by now is lost: the library would wait
    /// for it, on this thread.
    func end() {
        input = nil
        output = nil
        connection.abort(descriptor.rawValue)
    }

    deinit { end() }
}
#endif
