// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// Our own clients, all on one reactor. Each has one message on its way: when the correct reply has arrived, the next
/// line follows.
final class Crowd {
    let lines: [[UInt8]]
    let clientCount: Int
    private(set) var openCount = 0
    private(set) var closedCount = 0
    private(set) var reasons: [String: Int] = [:]
    private(set) var failure: PipeError?
    fileprivate(set) var tally = Tally()
    fileprivate(set) var latencies = LatencyHistogram()
    fileprivate var isSending = false

    private var members: [Member] = []

    init(_ reactor: Reactor, _ address: PipeAddress, clientCount: Int, lines: [[UInt8]]) {
        self.clientCount = clientCount
        self.lines = lines
        var configuration = PipeClient.Configuration()
        configuration.connectTimeout = .seconds(30)
        for number in 0..<clientCount {
            let member = Member(self, firstLine: number)
            members.append(member)
            PipeClient(address: address, configuration: configuration, reactor: reactor, delegate: member).connect()
        }
    }

    func start() {
        isSending = true
        for member in members { member.sendNext() }
    }

    /// Sends nothing more. Messages that are on their way still come back.
    func finish() { isSending = false }

    fileprivate func didOpen() { openCount += 1 }

    fileprivate func didFail(_ error: PipeError) { failure = failure ?? error }

    fileprivate func didClose(_ reason: DisconnectReason) {
        closedCount += 1
        reasons[reason.text, default: 0] += 1
    }
}

/// One client and its present line.
private final class Member: PipeClientDelegate {
    private unowned let crowd: Crowd
    private var connection: PipeConnection?
    private var line: Int
    private var sentAt: ContinuousClock.Instant?

    init(_ crowd: Crowd, firstLine: Int) {
        self.crowd = crowd
        line = firstLine % crowd.lines.count
    }

    func sendNext() {
        guard crowd.isSending, let connection else { return }
        sentAt = .now
        do {
            try connection.send(crowd.lines[line])
            crowd.tally.sentCount += 1
        } catch {
            crowd.didFail(error)
        }
    }

    func connectionDidOpen(_ connection: PipeConnection) {
        self.connection = connection
        crowd.didOpen()
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        guard let sentAt, message.isEqual(to: crowd.lines[line]) else {
            crowd.tally.wrongCount += 1
            return
        }
        let taken = ContinuousClock.now - sentAt
        crowd.latencies.record(nanoseconds: Int(taken / .nanoseconds(1)))
        crowd.tally.rightCount += 1
        crowd.tally.byteCount += message.count
        self.sentAt = nil
        line = line + 1 < crowd.lines.count ? line + 1 : 0
        sendNext()
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        self.connection = nil
        crowd.didClose(reason)
    }

    func client(_ client: PipeClient, didFailToConnectWith error: PipeError) { crowd.didFail(error) }
}
