// SPDX-License-Identifier: Apache-2.0

/// Reports for a client's delegate that are still to be made, in order. They are made from the loop, never inside a
/// call of the owner.
struct ClientReports {
    enum Report {
        case state(PipeClient.State)
        case failure(PipeError)
        case failedAttempt(PipeError)
    }

    private var pending: [Report] = []
    private var lastState = PipeClient.State.idle

    var isEmpty: Bool { pending.isEmpty }

    /// Adds the state if it differs from the last one.
    mutating func note(_ state: PipeClient.State) {
        guard state != lastState else { return }
        lastState = state
        pending.append(.state(state))
    }

    mutating func append(_ report: Report) { pending.append(report) }

    mutating func takeAll() -> [Report] {
        defer { pending = [] }
        return pending
    }
}
