// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// Makes the events of a capture from the bytes that pass. On the reactor's thread only.
final class Observer {
    private let framing: any MessageFraming
    private let filter: CaptureFilter
    private let contentLimit: Int?
    private let queue: CaptureQueue
    private var sequence: UInt64 = 0
    private var didReportFraming = false
    private var didReportRoom = false
    private let pendingByteLimit: Int
    /// The beginnings of frames of all streams.
    private var pendingByteCount = 0

    /// - Parameters:
    ///   - contentLimit: how many bytes of a message are wanted; nil for all.
    ///   - pendingByteLimit: how many bytes of messages that have not ended yet are kept, of all connections together.
    ///     Streams for which there is no room are shown in pieces. The default is 64 MiB.
    ///   - queue: gets the events, and what the operator should know.
    init(
        _ framing: any MessageFraming, _ filter: CaptureFilter, contentLimit: Int?, pendingByteLimit: Int = 64 << 20,
        to queue: CaptureQueue
    ) {
        self.framing = framing
        self.filter = filter
        self.contentLimit = contentLimit
        self.pendingByteLimit = pendingByteLimit
        self.queue = queue
    }

    /// Begins to observe a client's connection.
    func connection(_ id: String, _ peer: PeerCredentials) -> ObservedConnection {
        ObservedConnection(id, peer, framing, for: self)
    }

    fileprivate func didSee(_ messages: [CapturedMessage]) {
        let wanted = messages.filter(filter.admits).map { message in
            var message = message
            message.sequence = sequence
            sequence += 1
            if let contentLimit { message.bytes = Array(message.bytes.prefix(contentLimit)) }
            return CaptureEvent.message(message)
        }
        if !wanted.isEmpty { queue.append(wanted) }
    }

    /// How large a beginning of a frame may become that has this size now.
    fileprivate func room(beside byteCount: Int) -> Int { pendingByteLimit - pendingByteCount + byteCount }

    fileprivate func didChangePending(by byteCount: Int) { pendingByteCount += byteCount }

    fileprivate func didFail(
        _ problem: ObservedStream.Problem, _ id: String, _ direction: CapturedMessage.Direction
    ) {
        switch problem {
        case .framing(let error):
            // Connections have the same protocol.
            guard !didReportFraming else { return }
            didReportFraming = true
            let sender = direction == .toServer ? "the client" : "the server"
            queue.report(
                "what \(sender) of connection \(id) sends is not in these frames: "
                    + "\(DisconnectReason.framing(error).text); it passes unharmed, and is shown in the pieces in which "
                    + "it comes")
        case .noRoom:
            guard !didReportRoom else { return }
            didReportRoom = true
            queue.report(
                "unfinished messages fill \(readable(byteCount: pendingByteLimit)) of memory: connection "
                    + "\(id) and others still pass unharmed, but are shown in the pieces in which they arrive")
        }
    }
}

/// The two streams of a connection.
final class ObservedConnection {
    private let id: String
    private let peer: PeerCredentials
    private let observer: Observer
    private var streams: [CapturedMessage.Direction: ObservedStream]

    fileprivate init(_ id: String, _ peer: PeerCredentials, _ framing: any MessageFraming, for observer: Observer) {
        self.id = id
        self.peer = peer
        self.observer = observer
        streams = [.toServer: ObservedStream(framing), .toClient: ObservedStream(framing)]
    }

    func didReceive(_ piece: PipeMessage, _ direction: CapturedMessage.Direction) {
        var messages: [CapturedMessage] = []
        let before = pendingByteCount(direction)
        let problem = streams[direction]?.append(
            piece.withBytes { [UInt8](copying: $0) }, room: observer.room(beside: before)
        ) {
            messages.append(message($0, direction))
        }
        observer.didChangePending(by: pendingByteCount(direction) - before)
        if let problem { observer.didFail(problem, id, direction) }
        observer.didSee(messages)
    }

    /// Shows what is left of messages without an end.
    func end() {
        for direction in CapturedMessage.Direction.allCases {
            observer.didChangePending(by: -pendingByteCount(direction))
            streams[direction]?.end { observer.didSee([message($0, direction)]) }
        }
    }

    private func pendingByteCount(_ direction: CapturedMessage.Direction) -> Int {
        streams[direction]?.pendingByteCount ?? 0
    }

    private func message(_ bytes: [UInt8], _ direction: CapturedMessage.Direction) -> CapturedMessage {
        CapturedMessage(
            nanoseconds: WallClock.nanoseconds, connection: id, direction: direction,
            userID: peer.isKnown ? peer.userID : nil, processID: peer.isKnown ? peer.processID : nil, sequence: 0,
            byteCount: bytes.count, bytes: bytes)
    }
}
