// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import Synchronization

extension AsyncPipeConnection {
    /// Takes the connection away from its server, for another server or for code of your own; see
    /// ``PipeConnection/detach(_:)``.
    ///
    /// ```swift
    /// try await PipeServer.serve(at: .runtime("door")) { connection in
    ///     guard let hello = try await connection.nextMessage() else { return }
    ///     let worker = workers[hello]
    ///     worker.adopt(AcceptedConnection(try await connection.detach()))
    /// }
    /// ```
    ///
    /// Messages that have arrived and that no task has received yet leave with the connection: they are encoded again
    /// and come first among ``DetachedConnection/unreadBytes``. Queued messages are sent before, for which the peer has
    /// ``PipeConnection/Configuration/closeTimeout``. ``messages`` end, `send` throws, and ``endReason`` is
    /// ``DisconnectReason/detached``.
    ///
    /// Cancelling the task does not interrupt this, because the connection would be lost between two owners.
    ///
    /// - Returns: the connection, which belongs to the caller.
    /// - Throws: ``PipeError/cannotDetach(_:)``, ``PipeError/notConnected(_:)`` or ``PipeError/framing(_:)``, and the
    ///   connection continues as before; ``PipeError/disconnected(_:)`` if it ends in another way meanwhile. The
    ///   messages that have arrived can still be received then.
    public func detach() async throws(PipeError) -> DetachedConnection {
        let box = DetachedBox()
        try unsafe state.detach { box.put($0) }
        await waitForEndInAnyCase()
        guard let detached = box.take() else { throw .disconnected(unsafe state.endReason ?? .closedLocally) }
        return detached
    }
}

extension AsyncConnectionState {
    /// Detaches the connection, together with the messages that wait here.
    ///
    /// - Parameter receive: called as by ``PipeConnection/detach(_:)``, before any task learns of the end.
    fileprivate func detach(_ receive: @escaping (consuming DetachedConnection) -> Void) throws(PipeError) {
        if let endReason { throw .disconnected(endReason) }
        let messages = takeAll()
        do throws(PipeError) {
            let waiting = try connection.frames(of: messages)
            try connection.leave { detached in receive(detached.following(waiting)) }
            leaving = messages
            outputDidEnd()
        } catch {
            putBack(messages)
            throw error
        }
    }
}

extension PipeConnection {
    /// The messages as the peer has sent them, or as it might have.
    fileprivate func frames(of messages: [PipeMessage]) throws(PipeError) -> [UInt8] {
        var frames = FrameBuffer()
        for message in messages {
            guard message.descriptorCount == 0 else { throw .cannotDetach(.holdsDescriptors) }
            do {
                try message.withBytes { bytes throws(FramingError) in try codec.encode(bytes, into: &frames) }
            } catch {
                throw PipeError(error)
            }
        }
        return [UInt8](copying: frames.span)
    }
}

extension DetachedConnection {
    /// The same, with bytes that come before the unread ones.
    fileprivate consuming func following(_ bytes: [UInt8]) -> DetachedConnection {
        let (peer, unreadBytes) = (peer, bytes + unreadBytes)
        return DetachedConnection(socket, peer, unreadBytes: unreadBytes)
    }
}

/// A connection on its way from the loop to the task that waits for it. If the task is gone, it is closed.
private final class DetachedBox: Sendable {
    private let content = Mutex<DetachedConnection?>(nil)

    func put(_ detached: consuming DetachedConnection) {
        var detached: DetachedConnection? = detached
        content.withLock { $0 = detached.take() }
    }

    func take() -> DetachedConnection? { content.withLock { $0.take() } }
}
