// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// A change of the framing between two messages. Nothing that is queued may be left in the old framing, because the
// queue finds the boundaries of its messages with the present one. What was read behind the message is scanned anew.

extension PipeConnection {
    /// The configuration of this connection: its owner's, unless it was upgraded.
    public var configuration: Configuration { terms?.configuration ?? endpoint.configuration }

    /// Changes the framing and the limits of this connection from now on, such as after a first message in which the
    /// peers have agreed on them.
    ///
    /// ```swift
    /// func connection(_ connection: PipeConnection, didReceive hello: Span<UInt8>) {
    ///     do throws(PipeError) {
    ///         try connection.send("OK")                      // in the old framing
    ///         var configuration = connection.configuration
    ///         configuration.framing = DelimiterFraming.newline
    ///         try connection.upgrade(to: configuration)      // what follows "hello" is read in the new one
    ///     } catch { … }
    /// }
    /// ```
    ///
    /// Inside ``PipeConnectionDelegate/connection(_:didReceive:)``, the bytes behind the present message are scanned
    /// with the new framing, also those that were read together with it. Elsewhere, that is true of the bytes behind
    /// the message that was delivered last. Messages that were queued are written before, in the old framing; the call
    /// writes them itself, and fails if the kernel does not take all of them.
    ///
    /// An upgraded connection leaves the fast path, as one with statistics does. A broadcast is encoded once more for
    /// it. A client's next connection begins with the client's configuration, and messages that an upgraded connection
    /// of a client had not sent are not kept for it.
    ///
    /// - Parameter configuration: takes effect except for the settings that are ``FixedSetting``s. The share of a
    ///   server's budget stays the same.
    /// - Throws: ``PipeError/cannotChange(_:)``; ``PipeError/outputPending(byteCount:)``, and the same call may succeed
    ///   once the peer has read more; ``PipeError/notConnected(_:)``. If it throws, nothing has changed.
    public func upgrade(to configuration: Configuration) throws(PipeError) {
        endpoint.assertOwner()
        guard lifecycle.canSend else { throw .notConnected(lifecycle.missing) }
        if let setting = configuration.fixedSetting(differingFrom: self.configuration) {
            throw .cannotChange(setting)
        }
        if let queue, queue.value.isEmpty { recycleQueue() } else { flush() }
        guard lifecycle.canSend else { throw .notConnected(lifecycle.missing) }
        guard queue == nil else { throw .outputPending(byteCount: pendingByteCount) }
        rare.terms = ConnectionTerms(configuration, byteShare: endpoint.limits.byteShare)
        state.upgrade()
        flow.awaitRescan()
        turn.want()
        schedule()
    }

    /// Forgets what the old framing knew of the bytes that were read.
    func rescan() {
        guard let reassembly else { return }
        reassembly.frameByteCount = nil
        reassembly.scannedByteCount = 0
        reassembly.mayHoldFrames = true
    }
}
