// SPDX-License-Identifier: Apache-2.0
@testable import NamedPipes
import Testing

@Suite struct `Descriptors that have arrived` {
    private var arrived = ArrivedDescriptors(limit: 2)

    @Test mutating func `are claimed in order, however they came`() {
        arrived.append([7, 8, 9])
        #expect(arrived.problem(ofClaim: 1) == nil)
        #expect(arrived.take(1) == [7])
        arrived.append([10])
        #expect(arrived.problem(ofClaim: 2) == nil)
        #expect(arrived.take(2) == [8, 9])
        #expect(arrived.takeAll() == [10])
        #expect(arrived.problem(isBetweenFrames: true) == nil)
    }

    @Test mutating func `must be as many as a frame announces`() {
        arrived.append([7])
        #expect(arrived.problem(ofClaim: 2) == .fewerThanAnnounced(announced: 2, received: 1))
        #expect(arrived.problem(ofClaim: 3) == .fewerThanAnnounced(announced: 3, received: 1))
    }

    @Test mutating func `must not be more than one message may carry`() {
        arrived.append([7, 8, 9])
        #expect(arrived.problem(ofClaim: 3) == .messageLimit(count: 3, limit: 2))
    }

    @Test mutating func `must be announced once every frame is complete`() {
        arrived.append([7])
        #expect(arrived.problem(isBetweenFrames: true) == .moreThanAnnounced(surplus: 1))
        #expect(arrived.problem(isBetweenFrames: false) == nil)
        arrived.append([8, 9])
        #expect(arrived.problem(isBetweenFrames: false) == .moreThanAnnounced(surplus: 1))
    }

    @Test mutating func `cannot be claimed after a fault, the first of which counts`() {
        arrived.fail(.lost)
        arrived.fail(.userLimit(3))
        #expect(arrived.problem(ofClaim: 1) == .lost)
        #expect(arrived.problem(isBetweenFrames: true) == .lost)
    }
}

@Suite struct `Attempts to send while too many are on their way` {
    @Test func `come at growing intervals, and end after about ten seconds`() {
        var retries = SendRetries()
        var delays: [Duration] = []
        while let delay = retries.next() { delays.append(delay) }
        #expect(delays.count == SendRetries.limit)
        #expect(delays.prefix(3) == [.milliseconds(1), .milliseconds(2), .milliseconds(4)])
        #expect(delays == delays.sorted())
        #expect((.seconds(9)...(.seconds(11))).contains(delays.reduce(.zero, +)))
        #expect(retries.next() == nil)
        retries.reset()
        #expect(retries.next() == .milliseconds(1))
    }
}
