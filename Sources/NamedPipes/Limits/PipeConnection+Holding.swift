// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// Whether a connection may hold more of what arrives. If a budget has no room, the connection waits, and reads nothing
// meanwhile. It ends for lack of room only if `Shortage` chooses it.
//
// Bytes that were read have to be held, so the connection asks before it reads. While little room is left, no read
// brings more than every connection may hold in any case (``ByteLedger/floor``).
//
// Other threads of a pool may take the room after the question. So the memory of a large frame is charged for before it
// is allocated, and a refusal is answered by waiting. The bytes of a read into the receive buffer are recorded in any
// case: ``ByteLedger/readReserve`` is room for them.

extension PipeConnection {
    /// Whether the connection reads nothing until a budget has room for the message that it has begun to receive.
    var isStarved: Bool { flow.isStarved }

    /// Records the memory of the held bytes, which have been read. A connection that may hold less ends, and holds
    /// nothing.
    func chargeReassembly() {
        guard let reassembly else { return }
        do throws(ExceededBudget) {
            try checkSize(of: reassembly)
            reassembly.charge.follow(reassembly.memory.bytes.capacity, endpoint.ledger, userID: peer.userID)
        } catch {
            giveUp(error)
        }
    }

    /// Charges for the memory that a buffer is to have, unless another thread has taken the room meanwhile.
    func pay(for capacity: Int, of reassembly: ReassemblyBuffer) -> Bool {
        let ledger = endpoint.ledger
        return reassembly.charge.grow(to: capacity, ledger, userID: peer.userID, leaving: ledger.reserve)
    }

    private func checkSize(of reassembly: ReassemblyBuffer) throws(ExceededBudget) {
        guard max(reassembly.byteCount, reassembly.frameByteCount ?? 0) > limits.heldByteLimit else { return }
        throw ExceededBudget(scope: .connection, limit: limits.heldByteLimit)
    }

    private func giveUp(_ error: ExceededBudget) {
        releaseCarried()
        beginClose(.budgetExceeded(error))
    }

    /// Makes room for the next read behind the held bytes, and charges for it.
    ///
    /// - Parameter wanted: how many bytes the caller would like to read.
    /// - Returns: how many to read; nil if the connection waits for room, or has ended.
    func makeRoom(for wanted: Int, behind reassembly: ReassemblyBuffer) -> Int? {
        makeRoom(for: wanted, behind: reassembly, atMost: mostToHold(instead: reassembly.charge.byteCount))
    }

    /// - Parameter most: the answer of ``mostToHold(instead:)``.
    func makeRoom(for wanted: Int, behind reassembly: ReassemblyBuffer, atMost most: @autoclosure () -> Int) -> Int? {
        do throws(ExceededBudget) {
            try checkSize(of: reassembly)
            if reassembly.memory.bytes.room >= wanted, reassembly.charge.byteCount == reassembly.memory.bytes.capacity {
                return wanted
            }
            // Near its share, the buffer grows in smaller steps.
            let granted = min(wanted, limits.byteShare - reassembly.byteCount)
            guard granted > 0 else { throw ExceededBudget(scope: .connection, limit: limits.byteShare) }
            let (most, needed) = (most(), reassembly.byteCount + granted)
            let isThere =
                needed <= most
                && reassembly.makeRoom(for: granted, atMost: most) { pay(for: $0, of: reassembly) }
            if isThere { return granted }
            starve(for: max(needed, reassembly.memory.bytes.capacity) - reassembly.charge.byteCount)
            return nil
        } catch {
            giveUp(error)
            return nil
        }
    }

    /// The most that the connection may hold in total, in bytes, if it holds `byteCount` now.
    func mostToHold(instead byteCount: Int = 0) -> Int {
        let (most, overflows) = byteCount.addingReportingOverflow(endpoint.ledger.room(ofUser: peer.userID))
        return overflows ? limits.byteShare : min(most, limits.byteShare)
    }

    private func starve(for growth: Int) {
        flow.starve()
        let exceeded = endpoint.ledger.exceeded(by: growth, peer.userID)
        endpoint.noteShortage(exceeded, chargedByteCount + growth, growth: growth)
    }

    /// Tries to read again, because the budgets may have room now.
    func lookForRoom() {
        flow.feed()
        interest.expectInput()
        turn.want()
        schedule()
    }

    /// Ends the connection, because it uses more of a budget than any other, and others wait.
    func leave(_ exceeded: ExceededBudget) {
        let reason = DisconnectReason.budgetExceeded(exceeded)
        // A long queue is not written first.
        guard lifecycle.state != .closing, (queue?.value.charge.byteCount ?? 0) <= ByteLedger.floor else {
            return end(reason)
        }
        releaseCarried()
        beginClose(reason)
    }
}
