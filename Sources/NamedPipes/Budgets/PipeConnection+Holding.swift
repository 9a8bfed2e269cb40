// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// Whether a connection may hold more of what arrives. Where a budget has no room it waits, and reads nothing meanwhile.
//
// What was read has to be held, so the question comes before the read: while there is little room left, no read brings
// more than everybody may hold in any case (``ByteLedger/floor``).

extension PipeConnection {
    /// It reads nothing, until there is room for what it has begun to receive.
    var isStarved: Bool { flags.contains(.starved) }

    /// Has the ledger know how much memory is held. Without room for it, the connection ends and holds nothing.
    ///
    /// - Returns: whether there was room.
    @discardableResult
    func payForPartial() -> Bool {
        guard let partial else { return true }
        do throws(ExceededBudget) {
            try checkSize(of: partial)
            try partial.charge.adjust(
                to: partial.memory.bytes.capacity, host.ledger, userID: peer.userID, granting: ByteLedger.floor)
            return true
        } catch {
            giveUp(partial, error)
            return false
        }
    }

    private func checkSize(of partial: PartialFrame) throws(ExceededBudget) {
        guard max(partial.byteCount, partial.frameByteCount ?? 0) > host.heldByteLimit else { return }
        throw ExceededBudget(scope: .connection, limit: host.heldByteLimit)
    }

    private func giveUp(_ partial: PartialFrame, _ error: ExceededBudget) {
        self.partial = nil
        host.buffers.giveBack(partial)
        host.noteShortage(error, chargedByteCount)
        beginClose(.budgetExceeded(error))
    }

    /// Makes room for the next read behind what is held, and pays for it.
    ///
    /// - Parameter wanted: how many bytes it is best to read.
    /// - Returns: how many to read; nil where the connection waits for room, or has ended.
    func makeRoom(for wanted: Int, behind partial: PartialFrame) -> Int? {
        do throws(ExceededBudget) {
            try checkSize(of: partial)
            if partial.memory.bytes.room >= wanted, partial.charge.byteCount == partial.memory.bytes.capacity {
                return wanted
            }
            // Up to its share it may grow in smaller steps.
            let granted = min(wanted, host.byteShare - partial.byteCount)
            guard granted > 0 else { throw ExceededBudget(scope: .connection, limit: host.byteShare) }
            let most = mostToHold(instead: partial.charge.byteCount)
            guard partial.byteCount + granted <= most else {
                starve(for: partial.byteCount + granted - partial.charge.byteCount)
                return nil
            }
            partial.makeRoom(for: granted, atMost: most)
            return payForPartial() ? granted : nil
        } catch {
            giveUp(partial, error)
            return nil
        }
    }

    /// How much it may hold in all, if it has so much by now.
    func mostToHold(instead byteCount: Int = 0) -> Int {
        let (most, overflows) = byteCount.addingReportingOverflow(host.ledger.room(ofUser: peer.userID))
        return overflows ? host.byteShare : min(most, host.byteShare)
    }

    private func starve(for byteCount: Int) {
        flags.insert(.starved)
        host.noteShortage(host.ledger.exceeded(by: byteCount, peer.userID), chargedByteCount + byteCount)
    }

    /// There may be room now.
    func lookForRoom() {
        flags.remove(.starved)
        flags.insert([.inputReady, .wantsTurn])
        schedule()
    }

    /// It has more in a budget than all others, and others wait for that.
    func leave(_ exceeded: ExceededBudget) {
        let reason = DisconnectReason.budgetExceeded(exceeded)
        // Who has much queued takes no last words.
        guard lifecycle.state != .closing, (queue?.value.charge.byteCount ?? 0) <= ByteLedger.floor else {
            return end(reason)
        }
        if let partial {
            self.partial = nil
            host.buffers.giveBack(partial)
        }
        beginClose(reason)
    }
}
