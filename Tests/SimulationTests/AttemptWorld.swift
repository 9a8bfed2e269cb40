// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport

@testable import NamedPipes

/// A client's attempts to connect while its server comes, goes and is full, against a table of the meaning of each
/// error.
enum AttemptWorld {
    static func run(_ seed: UInt64) throws -> [String] {
        var random = Seeded(seed)
        var noise = Seeded(seed ^ 0xA77E)
        var problems: [String] = []
        let address = try PipeAddress.path("/run/simulation/\(seed)")
        let waits = !random.isOne(of: 3)
        var attempt = ConnectAttempt(address: address, waitsForServer: waits)
        attempt.canWatch = random.isOne(of: 2)
        var timeoutError = PipeError.timedOut
        for _ in 0..<random.number(1...20) {
            let code = random.pick([EAGAIN, ENOENT, ENOTDIR, ECONNREFUSED, EACCES, EPERM, EMFILE, EINVAL])
            let step =
                code == EAGAIN
                ? attempt.queueWasFull(using: &noise)
                : attempt.didFail(SystemError(call: "connect", code: code), using: &noise)
            let isExpected: Bool
            switch code {
            case EAGAIN:
                isExpected = delay(of: step).map { isRetry(step) && $0 > .zero && $0 <= .milliseconds(50) } ?? false
                timeoutError = .backlogFull(address)
            case ENOENT, ENOTDIR, ECONNREFUSED:
                let longest: Duration = attempt.canWatch && code != ECONNREFUSED ? .seconds(5) : .seconds(1)
                isExpected =
                    waits
                    ? delay(of: step).map { !isRetry(step) && $0 > .zero && $0 <= longest } ?? false
                    : step == .fail(.noServer(address))
                timeoutError = .timedOut
            case EACCES, EPERM:
                isExpected = step == .fail(.accessDenied(address))
            default:
                isExpected = step == .fail(.system(SystemError(call: "connect", code: code)))
            }
            if !isExpected { problems.append("\(step) after errno \(code)") }
            if attempt.timeoutError != timeoutError { problems.append("\(attempt.timeoutError) for the timeout") }
        }
        return problems + backoff(&random)
    }

    private static func isRetry(_ step: ConnectAttempt.Step) -> Bool {
        if case .retry = step { return true }
        return false
    }

    private static func delay(of step: ConnectAttempt.Step) -> Duration? {
        switch step {
        case .retry(let delay), .waitForServer(let delay): delay
        case .fail: nil
        }
    }

    /// Never less than jitter allows, never more than the maximum, and as at first after a reset.
    private static func backoff(_ random: inout Seeded) -> [String] {
        let initial = Duration.microseconds(random.number(1...10_000))
        let maximum = initial * random.number(1...500)
        var backoff = Backoff(
            initialDelay: initial, maximumDelay: maximum, multiplier: random.pick([0.5, 1, 1.5, 2, 10]),
            jitter: random.pick([-1, 0, 0.5, 1, 7]))
        var problems: [String] = []
        var unjittered = initial
        for _ in 0..<random.number(1...40) {
            let delay = backoff.next(using: &random)
            let shortest = min(unjittered, maximum) * (1 - backoff.jitter)
            // The factors are floating-point numbers.
            let slack = unjittered * 0.000_001 + .nanoseconds(10)
            if delay > min(unjittered, maximum) + slack || delay + slack < shortest {
                problems.append("a delay of \(delay) where at most \(unjittered) is due")
            }
            if unjittered < maximum { unjittered = unjittered * backoff.multiplier }
            if random.isOne(of: 20) {
                backoff.reset()
                unjittered = initial
            }
        }
        return problems
    }
}
