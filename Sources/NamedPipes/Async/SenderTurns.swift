// SPDX-License-Identifier: Apache-2.0

/// The turns of sending tasks: one after the other, in the order in which they came.
///
/// While the queue is full, senders wait. When there is room, the first of them has the turn until it has sent or given
/// up; then the next one gets it, if there is still room. A sender that comes meanwhile waits behind all of them: the
/// turn is taken from the moment when a task is resumed, not only once it runs.
struct SenderTurns: ~Copyable {
    private struct Obstacles: OptionSet {
        let rawValue: UInt8
        /// The send queue is above its high-water mark.
        static let full = Obstacles(rawValue: 1)
        /// A task was resumed and has not sent yet.
        static let turnTaken = Obstacles(rawValue: 2)
    }

    private var obstacles: Obstacles = []
    private var waiting = WaitingTasks()

    /// Whether a message can be sent without waiting for others.
    var isFree: Bool { obstacles.isEmpty }

    mutating func queueIsFull() { obstacles.insert(.full) }

    /// There is room, or nothing is ever sent any more: in the latter case, each sender finds that out in its turn.
    mutating func queueIsFree() {
        obstacles.remove(.full)
        giveTurn()
    }

    /// Resumes a task when it has the turn. The task has to end its turn with ``endTurn()``.
    mutating func wait(_ task: WaitingTask) {
        waiting.add(task)
        giveTurn()
    }

    mutating func endTurn() {
        obstacles.remove(.turnTaken)
        giveTurn()
    }

    private mutating func giveTurn() {
        guard obstacles.isEmpty, let next = waiting.removeFirst() else { return }
        obstacles.insert(.turnTaken)
        next.goOn()
    }

    mutating func cancel(_ ticket: WaitingTask.Ticket) { waiting.cancel(ticket) }
}
