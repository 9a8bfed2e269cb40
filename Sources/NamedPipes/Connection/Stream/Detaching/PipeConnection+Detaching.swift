// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// A connection that leaves is paused, which keeps everything that was read, and takes no more messages to send. Once
// its queue is written, its socket is taken out of the stream, and it ends as any connection does.

extension PipeConnection {
    /// Takes the connection away from its server, for another server or for code of your own.
    ///
    /// No more messages are delivered, not even those that were read together with the present one, and `send` throws
    /// ``PipeError/notConnected(_:)``. Queued messages are sent first, for which the peer has
    /// ``Configuration/closeTimeout``. Then the connection ends here without the peer noticing: `didCloseWith` follows
    /// with ``DisconnectReason/detached``, the server's limits and counters are given back, and `receive` gets the
    /// socket with all bytes that were not delivered.
    ///
    /// ```swift
    /// func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
    ///     do throws(PipeError) {
    ///         try connection.detach { detached in worker.adopt(AcceptedConnection(detached)) }
    ///     } catch { … }
    /// }
    /// ```
    ///
    /// If the connection ends in another way before that, by ``close()`` or the stop of the server for example,
    /// `didCloseWith` says why, and `receive` is not called. The result comes in a function, because inside a callback
    /// only the framing knows where the rest of the read begins.
    ///
    /// Memberships in groups, the ``context`` and counts of messages stay behind.
    ///
    /// - Parameter receive: called at most once, from the loop, after `didCloseWith`; released with the connection.
    /// - Throws: ``PipeError/notConnected(_:)`` if the connection is closing or has finished sending;
    ///   ``PipeError/cannotDetach(_:)``.
    public func detach(_ receive: @escaping (consuming DetachedConnection) -> Void) throws(PipeError) {
        if case .tasks = companion { throw .cannotDetach(.handledByTasks) }
        try leave(receive)
    }

    /// As ``detach(_:)``, also for a connection that tasks handle.
    func leave(_ receive: @escaping (consuming DetachedConnection) -> Void) throws(PipeError) {
        endpoint.assertOwner()
        guard lifecycle.canSend else { throw .notConnected(lifecycle.missing) }
        if let obstacle = obstacleToDetaching { throw .cannotDetach(obstacle) }
        rare.receiveDetached = receive
        flow.pause()
        _ = lifecycle.finishSending()
        leaveAllGroups()
        rare.closeTimer = endpoint.reactor.limit(closeTimeout) { [unowned self] in
            end(stuckReason)
        }
        schedule()
    }

    private var obstacleToDetaching: UndetachableConnection? {
        if stream.descriptor < 0 { return .noSocket }
        if unsafe endpoint.owner is PipeClient { return .belongsToClient }
        return rareIfAny?.descriptors?.arrived.numbers.isEmpty == false ? .holdsDescriptors : nil
    }

    /// Whether ``detach(_:)`` was called, and no end of another kind is under way.
    var isDetaching: Bool {
        guard lifecycle.state == .open || lifecycle.state == .finished else { return false }
        return rareIfAny?.receiveDetached != nil
    }

    /// The queue is written, or lost.
    func finishDetaching() {
        guard !stream.hasReceivedDescriptors else { return beginClose(.descriptorsReceived) }
        // Descriptors of a message that was not delivered cannot be handed over with its bytes.
        if let surplus = rareIfAny?.descriptors?.arrived.numbers.count, surplus > 0 {
            return beginClose(.descriptors(.moreThanAnnounced(surplus: surplus)))
        }
        let unread = reassembly?.memory.withBytes { [UInt8](copying: $0) } ?? []
        guard let socket = stream.takeSocket() else { return end(.closedLocally) }
        rare.detached = DetachedConnection(socket, peer, unreadBytes: unread)
        end(.detached)
    }

    /// The last step of the end: the server has given back what it had for the connection.
    func deliverDetached() {
        guard let rare = rareIfAny, let receive = rare.receiveDetached.take(), let detached = rare.detached.take()
        else { return }
        receive(detached)
    }

    /// Begins with bytes that another server has read: they are delivered before anything else is read.
    func carryUnread(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, lifecycle.isReceiving else { return }
        carry(bytes.span, FrameWalk(stoppedAfter: 0), nil)
    }
}
