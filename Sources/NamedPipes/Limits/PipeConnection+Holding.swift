// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// Whether a connection may hold more of what arrives. If a budget has no room, the connection waits, and reads nothing
// meanwhile.
//
// Bytes that were read have to be held, so the connection asks before it reads. While little room is left, no read
// brings more than every connection may hold in any case (``ByteLedger/floor``).

extension PipeConnection {
    /// Whether the connection reads nothing until a budget has room for the message that it has begun to receive.
    var isStarved: Bool { flow.isStarved }

    /// Charges for the memory of the held bytes. If the budgets have no room for it, the connection ends and holds
    /// nothing.
    ///
    /// - Returns: whether there was room.
    @discardableResult
    func chargeReassembly() -> Bool {
        guard let reassembly else { return true }
        do throws(ExceededBudget) {
            try checkSize(of: reassembly)
            try reassembly.charge.adjust(
                to: reassembly.memory.bytes.capacity, endpoint.ledger, userID: peer.userID, granting: ByteLedger.floor)
            return true
        } catch {
            giveUp(error)
            return false
        }
    }

    private func checkSize(of reassembly: ReassemblyBuffer) throws(ExceededBudget) {
        guard max(reassembly.byteCount, reassembly.frameByteCount ?? 0) > limits.heldByteLimit else { return }
        throw ExceededBudget(scope: .connection, limit: limits.heldByteLimit)
    }

    private func giveUp(_ error: ExceededBudget) {
        releaseCarried()
        endpoint.noteShortage(error, chargedByteCount)
        beginClose(.budgetExceeded(error))
    }

    /// Makes room for the next read behind the held bytes, and charges for it.
    ///
    /// - Parameter wanted: how many bytes the caller would like to read.
    /// - Returns: how many to read; nil if the connection waits for room, or has ended.
    func makeRoom(for wanted: Int, behind reassembly: ReassemblyBuffer) -> Int? {
        do throws(ExceededBudget) {
            try checkSize(of: reassembly)
            if reassembly.memory.bytes.room >= wanted, reassembly.charge.byteCount == reassembly.memory.bytes.capacity {
                return wanted
            }
            // Near its share, the buffer grows in smaller steps.
            let granted = min(wanted, limits.byteShare - reassembly.byteCount)
            guard granted > 0 else { throw ExceededBudget(scope: .connection, limit: limits.byteShare) }
            let most = mostToHold(instead: reassembly.charge.byteCount)
            guard reassembly.byteCount + granted <= most else {
                starve(for: reassembly.byteCount + granted - reassembly.charge.byteCount)
                return nil
            }
            reassembly.makeRoom(for: granted, atMost: most)
            return chargeReassembly() ? granted : nil
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

    private func starve(for byteCount: Int) {
        flow.starve()
        endpoint.noteShortage(endpoint.ledger.exceeded(by: byteCount, peer.userID), chargedByteCount + byteCount)
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
