// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// A connection's state of passing descriptors in both directions. A connection that never had to do with any has none.
final class DescriptorTraffic {
    // Receiving.
    private let ledger: DescriptorLedger?
    private let account: DescriptorLedger.Account
    var arrived: ArrivedDescriptors

    // Sending.
    let queued = QueuedDescriptorCount()
    var retries = SendRetries()
    var retryTimer: ScheduledWork?

    init(_ ledger: DescriptorLedger?, _ account: DescriptorLedger.Account) {
        self.ledger = ledger
        self.account = account
        arrived = ArrivedDescriptors(limit: ledger?.acceptance.perMessage ?? 0)
    }

    /// Takes in what one read brought.
    func didArrive(_ read: AncillaryRead) {
        if read.isTruncated { arrived.fail(.lost) }
        if let ledger, arrived.problem == nil {
            guard let problem = ledger.charge(read.descriptors.count, to: account) else {
                return arrived.append(read.descriptors)
            }
            arrived.fail(problem)
        }
        DescriptorDisposal.shared.close(received: read.descriptors)
        abandonArrived()
    }

    /// The descriptors of a frame whose claim has no problem.
    func claim(_ count: Int) -> ReceivedDescriptors { received(arrived.take(count)) }

    /// Closes what no message will claim any more.
    func abandonArrived() { _ = received(arrived.takeAll()) }

    private func received(_ numbers: [Int32]) -> ReceivedDescriptors {
        ReceivedDescriptors(taking: numbers, ledger.map { DescriptorTicket($0, account) })
    }

    /// Whether the connection may read.
    var mayRead: Bool { ledger?.mayRead(account) ?? true }

    /// The connection has ended.
    func end() {
        retryTimer?.cancel()
        retryTimer = nil
        abandonArrived()
    }

    deinit { abandonArrived() }
}

extension PipeConnection {
    /// The state of passing descriptors, made when it is first needed.
    var descriptorTraffic: DescriptorTraffic {
        if let made = rareIfAny?.descriptors { return made }
        let made = DescriptorTraffic(
            stream.acceptsDescriptors ? endpoint.descriptors : nil,
            DescriptorLedger.Account(user: peer.userID, connection: id.rawValue))
        rare.descriptors = made
        return made
    }
}
