// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `A backoff` {
    private var random = Seeded(7)

    @Test mutating func `grows by its factor up to the maximum`() {
        var backoff = Backoff(
            initialDelay: .milliseconds(10), maximumDelay: .milliseconds(100), multiplier: 3, jitter: 0)
        var delays: [Duration] = []
        for _ in 0..<5 { delays.append(backoff.next(using: &random)) }
        #expect(delays == [10, 30, 90, 100, 100].map { .milliseconds($0) })
        #expect(backoff.attemptCount == 5)
    }

    @Test mutating func `starts over when it is reset`() {
        var backoff = Backoff(initialDelay: .milliseconds(10), maximumDelay: .seconds(1), jitter: 0)
        for _ in 0..<4 { _ = backoff.next(using: &random) }
        backoff.reset()
        let delay = backoff.next(using: &random)
        #expect(delay == .milliseconds(10))
        #expect(backoff.attemptCount == 1)
    }

    @Test mutating func `64 subtracts at most the random part`() {
        var backoff = Backoff(initialDelay: .milliseconds(100), maximumDelay: .milliseconds(100), jitter: 0.5)
        var delays: [Duration] = []
        for _ in 0..<1000 { delays.append(backoff.next(using: &random)) }
        #expect(delays.allSatisfy { $0 >= .milliseconds(50) && $0 <= .milliseconds(100) })
        // Spread out, not in a wave.
        #expect(Set(delays).count > 900)
        #expect(delays.contains { $0 < .milliseconds(60) } && delays.contains { $0 > .milliseconds(90) })
    }

    @Test mutating func `survives any number of attempts and odd settings`() {
        var long = Backoff(initialDelay: .milliseconds(1), maximumDelay: .seconds(5))
        var isBounded = true
        for _ in 0..<2000 { isBounded = isBounded && long.next(using: &random) <= .seconds(5) }
        #expect(isBounded)
        var odd = Backoff(initialDelay: .seconds(9), maximumDelay: .seconds(5), multiplier: 0.1, jitter: 7)
        for _ in 0..<10 {
            let delay = odd.next(using: &random)
            #expect(delay >= .zero && delay <= .seconds(5))
        }
    }
}

@Suite struct `A connect attempt` {
    private let address: PipeAddress
    private var random = Seeded(3)

    init() throws { address = try .path("/tmp/nowhere") }

    private mutating func step(_ code: Int32, waits: Bool) -> ConnectAttempt.Step {
        var attempt = ConnectAttempt(address: address, waitsForServer: waits)
        return attempt.didFail(SystemError(call: "connect", code: code), using: &random)
    }

    @Test(arguments: [ENOENT, ENOTDIR, ECONNREFUSED]) mutating func `without a server fails`(code: Int32) {
        let step = step(code, waits: false)
        #expect(step == .fail(.noServer(address)))
    }

    @Test(arguments: [EACCES, EPERM], [true, false])
    mutating func `that is not permitted fails`(code: Int32, waits: Bool) {
        let step = step(code, waits: waits)
        #expect(step == .fail(.accessDenied(address)))
    }

    @Test(arguments: [EMFILE, ENOMEM, EPROTOTYPE, ELOOP]) mutating func `that fails otherwise reports how`(code: Int32)
    {
        let step = step(code, waits: true)
        #expect(step == .fail(.system(SystemError(call: "connect", code: code))))
    }

    @Test mutating func `63 at a full queue tries again soon, less and less often`() throws {
        var attempt = ConnectAttempt(address: address, waitsForServer: false)
        var delays: [Duration] = []
        for _ in 0..<50 {
            guard case .retry(let delay) = attempt.queueWasFull(using: &random) else { break }
            delays.append(delay)
        }
        try #require(delays.count == 50)
        #expect(delays[0] <= .milliseconds(1))
        #expect(delays.allSatisfy { $0 <= .milliseconds(50) })
        #expect(delays[49] >= .milliseconds(25))
        #expect(attempt.timeoutError == .backlogFull(address))
    }

    @Test mutating func `that waits asks again on a timer, too`() {
        guard case .waitForServer(let absent) = step(ENOENT, waits: true),
            case .waitForServer(let refused) = step(ECONNREFUSED, waits: true)
        else {
            Issue.record("it does not wait")
            return
        }
        #expect(absent >= .seconds(1))
        #expect(refused <= .milliseconds(10))
    }

    @Test mutating func `that runs out of time reports what it saw last`() {
        var attempt = ConnectAttempt(address: address, waitsForServer: true)
        #expect(attempt.timeoutError == .timedOut)
        _ = attempt.queueWasFull(using: &random)
        #expect(attempt.timeoutError == .backlogFull(address))
        _ = attempt.didFail(SystemError(call: "connect", code: ENOENT), using: &random)
        #expect(attempt.timeoutError == .timedOut)
    }
}
