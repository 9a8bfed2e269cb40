// SPDX-License-Identifier: Apache-2.0
#if NATS
/// A subscription that can be replaced.
final class BrokerListening {
    let subscription: BrokerSubscription

    init(_ subscription: consuming BrokerSubscription) { self.subscription = subscription }

    func next() -> BrokerMessage? { subscription.next() }
}

/// A receiver of the messages to some subjects. The link holds it while it is subscribed.
protocol LinkListener: AnyObject {
    /// The link is connected: takes part from now on.
    func subscribe(on line: BrokerLine) throws(NATSError)

    /// Input has arrived at the link.
    func receive(on line: BrokerLine)

    /// The owner has closed the link, which still writes what is queued and what is published now. A receiver that
    /// takes on work for others hands back the work that it has not begun.
    func linkWillEnd()

    /// The link has ended, or its reactor has stopped. Those that end by themselves do nothing.
    func linkDidEnd()
}

extension LinkListener {
    func linkWillEnd() {}
}
#endif
