// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// Whether a connection may hold more of what arrives. Where a budget has no room it waits, and reads nothing meanwhile.
//
// What was read has to be held, so the question comes before the read: while there is little room left, no read brings
// more than everybody may hold in any case (``ByteLedger/floor``).

extension PipeConnection {
    /// It reads nothing, until there is room for what it has begun to receive.
    var isStarved: Bool { flow.isStarved }

    /// Has the ledger know how much memory is held. Without room for it, the connection ends and holds nothing.
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
            giveUp(reassembly, error)
            return false
        }
    }

    private func checkSize(of reassembly: ReassemblyBuffer) throws(ExceededBudget) {
        guard max(reassembly.byteCount, reassembly.frameByteCount ?? 0) > endpoint.limits.heldByteLimit else { return }
        throw ExceededBudget(scope: .connection, limit: endpoint.limits.heldByteLimit)
    }

    private func giveUp(_ reassembly: ReassemblyBuffer, _ error: ExceededBudget) {
        self.reassembly = nil
        endpoint.buffers.recycle(reassembly)
        endpoint.noteShortage(error, chargedByteCount)
        beginClose(.budgetExceeded(error))
    }

    /// Makes room for the next read behind what is held, and pays for it.
    ///
    /// - Parameter wanted: how many bytes it is best to read.
    /// - Returns: how many to read; nil where the connection waits for room, or has ended.
    func makeRoom(for wanted: Int, behind reassembly: ReassemblyBuffer) -> Int? {
        do throws(ExceededBudget) {
            try checkSize(of: reassembly)
            if reassembly.memory.bytes.room >= wanted, reassembly.charge.byteCount == reassembly.memory.bytes.capacity {
                return wanted
            }
            // Up to its share it may grow in smaller steps.
            let granted = min(wanted, endpoint.limits.byteShare - reassembly.byteCount)
            guard granted > 0 else { throw ExceededBudget(scope: .connection, limit: endpoint.limits.byteShare) }
            let most = mostToHold(instead: reassembly.charge.byteCount)
            guard reassembly.byteCount + granted <= most else {
                starve(for: reassembly.byteCount + granted - reassembly.charge.byteCount)
                return nil
            }
            reassembly.makeRoom(for: granted, atMost: most)
            return chargeReassembly() ? granted : nil
        } catch {
            giveUp(reassembly, error)
            return nil
        }
    }

    /// How much it may hold in all, if it holds this much by now.
    func mostToHold(instead byteCount: Int = 0) -> Int {
        let (most, overflows) = byteCount.addingReportingOverflow(endpoint.ledger.room(ofUser: peer.userID))
        return overflows ? endpoint.limits.byteShare : min(most, endpoint.limits.byteShare)
    }

    private func starve(for byteCount: Int) {
        flow.starve()
        endpoint.noteShortage(endpoint.ledger.exceeded(by: byteCount, peer.userID), chargedByteCount + byteCount)
    }

    /// There may be room now.
    func lookForRoom() {
        flow.feed()
        interest.expectInput()
        turn.want()
        schedule()
    }

    /// It has more in a budget than all others, and others wait for that.
    func leave(_ exceeded: ExceededBudget) {
        let reason = DisconnectReason.budgetExceeded(exceeded)
        // A connection with a long queue takes no last words.
        guard lifecycle.state != .closing, (queue?.value.charge.byteCount ?? 0) <= ByteLedger.floor else {
            return end(reason)
        }
        if let reassembly {
            self.reassembly = nil
            endpoint.buffers.recycle(reassembly)
        }
        beginClose(reason)
    }
}
