// SPDX-License-Identifier: Apache-2.0

extension PipeServer.Configuration {
    /// The most memory in bytes that this many clients can make a server use, whatever they do. If the machine can
    /// spare this much, clients cannot bring the server down by sending bytes.
    ///
    /// The sum of these parts: the buffers of its reactor (49 MiB); for each connection 2 KiB for itself, the 64 KiB
    /// that it may queue within a turn without being charged, and the 5 KiB that it may have when the budget is
    /// exhausted; and ``byteBudget``, or, without one, what each connection may hold and have queued, counted twice
    /// because memory that grows is doubled. The kernel's socket buffers come on top, with
    /// ``PipeConnection/Configuration/sendBufferByteCount`` or 208 KiB each way, and so does the memory of your own
    /// code.
    ///
    /// - Parameter connectionCount: the maximum number of clients. The default is ``maximumConnectionCount``, or what
    ///   this process's limit of descriptors allows.
    /// - Returns: the bytes; `Int.max` if they cannot be counted.
    public func worstCaseByteCount(connectionCount: Int? = nil) -> Int {
        let connectionCount = connectionCount ?? maximumConnectionCount ?? CurrentProcess.descriptorLimit
        let each =
            PipeConnection.Configuration.ownByteCount + QueueAdmission.freeByteCount + ByteLedger.mostWithoutRoom
        let used = byteBudget ?? product(connectionCount, connection.worstCaseByteCount)
        return sum(ReactorBuffers.keptByteCount, sum(product(connectionCount, each), used))
    }

    /// The upper bounds in total and for one user.
    var budgets: ByteBudgets { ByteBudgets(limit: byteBudget, limitPerUser: effectiveByteBudgetPerUser) }

    /// The largest message has to fit.
    var effectiveByteBudgetPerConnection: Int? {
        byteBudgetPerConnection ?? byteBudget.map { max($0 / 16, connection.effectiveHeldByteLimit) }
    }

    var effectiveByteBudgetPerUser: Int? {
        if let byteBudgetPerUser { return byteBudgetPerUser }
        let isForUs = accessPolicy.admitsOnly(ownUserAndRoot: CurrentProcess.userID)
        return byteBudget.map { isForUs ? $0 : $0 / 4 }
    }
}

extension ByteLedger {
    /// The ledger of a server that shares its budgets with no other.
    convenience init(_ configuration: PipeServer.Configuration) {
        self.init(configuration.budgets)
    }
}

extension PipeConnection.Configuration {
    /// An open connection, its registration and its transient state, without any bytes of messages.
    fileprivate static let ownByteCount = 2 << 10

    fileprivate var worstCaseByteCount: Int {
        product(2, sum(sum(effectiveHeldByteLimit, unreadByteLimit), sendQueueLimit))
    }
}

private func sum(_ one: Int, _ other: Int) -> Int {
    let (result, overflows) = one.addingReportingOverflow(other)
    return overflows ? .max : result
}

private func product(_ one: Int, _ other: Int) -> Int {
    let (result, overflows) = one.multipliedReportingOverflow(by: other)
    return overflows ? .max : result
}
