// SPDX-License-Identifier: Apache-2.0

extension PipeServer {
    /// A server has no more taps than this.
    package static let maximumTapCount = 4

    /// Shows the messages of all connections to a tap from now on, until ``detach(_:)`` is called or the server has
    /// stopped. On the server's thread, also inside a callback; of the read whose messages are being delivered then,
    /// the rest is not shown.
    ///
    /// A received message is shown before the delegate gets it. A sent one is shown once the queue has taken it, also
    /// if it is displaced later; one that was refused or dropped is not.
    ///
    /// While a tap is attached, each message takes the slow path of `send`. Otherwise, taps cost nothing.
    ///
    /// - Parameters:
    ///   - tap: not attached to this server yet.
    ///   - worker: the number of this server in its pool. The default is nil: it has none.
    /// - Returns: false if the server has ``maximumTapCount`` already, or has stopped.
    package func attach(_ tap: MessageTap, worker: Int? = nil) -> Bool { endpoint.attach(tap, worker: worker) }

    /// Shows no more messages to the tap. On the server's thread. Has no effect if it is not attached.
    package func detach(_ tap: MessageTap) { endpoint.detach(tap) }
}

extension Endpoint {
    func attach(_ tap: MessageTap, worker: Int?) -> Bool {
        assertOwner()
        guard let delegate, taps.map({ $0.count < PipeServer.maximumTapCount }) ?? true else { return false }
        if let taps {
            taps.add(tap, worker: worker)
        } else {
            let made = TapDelegate(delegate)
            made.add(tap, worker: worker)
            (taps, self.delegate) = (made, made)
            forEachConnection { $0.beginTapped() }
        }
        return true
    }

    func detach(_ tap: MessageTap) {
        assertOwner()
        guard let taps else { return }
        taps.remove(tap)
        guard taps.count == 0 else { return }
        delegate = taps.delegate
        self.taps = nil
        forEachConnection { $0.endTapped() }
    }
}
