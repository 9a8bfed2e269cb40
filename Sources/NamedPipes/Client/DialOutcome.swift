// SPDX-License-Identifier: Apache-2.0

/// The outcome of a connect over a transport, as opposed to connect(2) on a socket file, which never has to wait for an
/// answer.
package enum DialOutcome {
    case connected(any PipeTransport, PeerCredentials)
    /// As `EAGAIN` of connect(2): the client tries again soon.
    case queueFull
    /// The answer is still to come; see ``PendingDial``.
    case pending(any PendingDial)
    /// There is no use in trying again at once.
    case failed(PipeError)
}

/// A connect that waits for its answer. It tells the client with ``PipeClient/dial(_:didEndWith:)`` or
/// ``PipeClient/dial(_:didFailWith:)``, once, from the loop, and must not retain the client.
package protocol PendingDial: AnyObject {
    /// The client does not wait any more: it has ended, or its time is up.
    func cancel()
}
