// SPDX-License-Identifier: Apache-2.0

// Detects growth: the same thing is done 32, 64 and 128 times, and the kept elements are counted after each. At least
// one more element for each repetition is growth. Collections with a smaller limit do not grow.

extension ConformanceRun {
    private static let counts = [32, 64, 128]

    private static var times: String { counts.map(String.init).joined(separator: ", ") }

    /// Connections that come, send something and go.
    func receiveVisitors() {
        tell(inOneLine: "\(Self.times) connections come, send something and go; each time, \(options.patience) pass")
        var (elements, timers): ([Int], [Int]) = ([], [])
        var visitCount = 0
        for count in Self.counts {
            while visitCount < count, !isOver {
                receiveVisitor()
                visitCount += 1
            }
            letTimePass()
            elements.append(watches.keptElementCount)
            timers.append(network.reactor.pendingTimerCount)
        }
        noteGrowth(elements, "keeps something of every connection that has ended")
        noteGrowth(timers, "leaves a timer behind with every connection")
    }

    private func receiveVisitor() {
        let peer = peerCount
        take(.connect)
        // A client that reconnects by itself waits before it does.
        if peerCount == peer { letTimePass() }
        take(.send(peer, options.messages + [Array("hello".utf8)]))
        take(.turn)
        take(.finish(peer))
        take(.turn)
        take(.close(peer))
        take(.turn)
    }

    /// One peer that sends and does not read.
    func receiveHoarder() {
        tell(inOneLine: "a peer that reads nothing sends as much as it can, \(Self.times) times")
        take(.connect)
        take(.turn)
        take(.stopReading(0))
        let messages = options.messages + [[UInt8](repeating: 0x61, count: 1000)]
        var elements: [Int] = []
        var sentCount = 0
        for count in Self.counts {
            while sentCount < count, !isOver {
                take(.send(0, messages))
                take(.turn)
                sentCount += 1
            }
            elements.append(watches.keptElementCount)
        }
        noteGrowth(elements, "queues without bound for a peer that does not read")
        // Answering all of that may take longer than the patience allows.
        take(.close(0))
        take(.turn)
    }

    private func noteGrowth(_ kept: [Int], _ problem: String) {
        guard !isOver else { return }
        let grows = kept.indices.dropFirst().allSatisfy { index in
            kept[index] - kept[index - 1] >= Self.counts[index] - Self.counts[index - 1]
        }
        if grows { note(.delegate, "\(problem): \(kept.map(String.init).joined(separator: ", ")) after \(Self.times)") }
    }
}
