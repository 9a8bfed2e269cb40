// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// The receiving part of a connection's turn. Tasks that wait for messages run in it: after the read that brought the
// messages and before the write, so that their answers leave with this turn's write, as a delegate's do.
//
// A task that waits for a batch is resumed before the read, and carries it out itself. So its function gets the
// messages in the memory into which they were read, and runs in the task, with its task-local values. If the task does
// not take the read, because it runs on another executor or was cancelled, the messages wait here as all others do.

/// A read that a task may carry out in place of the connection.
struct OfferedRead {
    let way: PipeConnection.ReceivingWay
    /// How many messages the turn may still deliver.
    var budget: Int
    var isTaken = false
}

extension AsyncConnectionState {
    /// Receives what has arrived, in place of the connection, and runs the tasks that wait for it.
    func receive(_ way: PipeConnection.ReceivingWay, _ budget: inout Int) {
        isReceiving = true
        awaitedMessageCount = 0
        if !receivers.firstWantsBatch {
            connection.receive(way, &budget)
        } else if !offer(way, &budget) {
            connection.receive(isFit(for: way) ? way : .byPlan, &budget)
        }
        // One task for each message, as long as there are both: the first task may have taken all messages, or, on
        // another thread, have had them lent.
        while awaitedMessageCount > 0, !inbox.isEmpty || !isNothingLent, let task = receivers.removeFirst() {
            awaitedMessageCount &-= 1
            resume(task)
        }
        endReceiving()
    }

    private func resume(_ task: WaitingTask) { connection.endpoint.reactor.executor.resumeAtOnce { task.goOn() } }

    /// Offers the read to the first task that waits.
    ///
    /// - Returns: whether it has taken the offer, and thus received what has arrived.
    private func offer(_ way: PipeConnection.ReceivingWay, _ budget: inout Int) -> Bool {
        // A delegate between the connection and the tasks, which measures callbacks or checks them, sees all messages.
        guard way == .directly || connection.mayReceive, connection.endpoint.delegate is AsyncConnectionDelegate,
            let task = receivers.removeFirst()
        else { return false }
        offeredRead = OfferedRead(way: way, budget: budget)
        resume(task)
        guard let offer = offeredRead.take(), offer.isTaken else { return false }
        budget = offer.budget
        return true
    }

    /// Whether the connection is still in the state for which the way was chosen. A task that was resumed may live on
    /// an actor that first runs what others have asked of it, such as to end this connection.
    private func isFit(for way: PipeConnection.ReceivingWay) -> Bool {
        way == .byPlan || connection.lifecycle.isOpenBothWays
    }

    // MARK: In the task

    /// Calls a function with all messages that are here, or that the offered read brings.
    ///
    /// - Returns: whether there were any.
    /// - Throws: the function's error. The messages behind the one for which it was thrown stay.
    func takeBatch(_ body: BatchBody) throws -> Bool {
        if let offer = offeredRead, !offer.isTaken, isFit(for: offer.way), try take(offer, body) { return true }
        var isEmpty = true
        while let message = takeFirst() {
            isEmpty = false
            try message.deliver(to: body)
        }
        return !isEmpty
    }

    private func take(_ offer: OfferedRead, _ body: BatchBody) throws -> Bool {
        offeredRead?.isTaken = true
        var budget = offer.budget
        let (messageCount, failure) = withoutActuallyEscaping(body) { body in
            let receiver = BatchReceiver(body)
            connection.endpoint.batchReceiver = receiver
            connection.receive(offer.way, &budget)
            connection.endpoint.batchReceiver = nil
            return (receiver.messageCount, receiver.failure)
        }
        offeredRead?.budget = budget
        if let failure { throw failure }
        return messageCount > 0
    }
}
