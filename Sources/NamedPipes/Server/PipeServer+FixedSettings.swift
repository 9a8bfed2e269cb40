// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

extension PipeServer.Configuration {
    /// Makes sure that only settings differ that may change while a server runs.
    func check(changedFrom old: Self) throws(PipeError) {
        if let setting = fixedSetting(differingFrom: old) { throw .cannotChange(setting) }
    }

    /// The first setting that differs from another configuration, of those that are fixed for a server.
    private func fixedSetting(differingFrom old: Self) -> FixedSetting? {
        let isNameSame =
            permissions == old.permissions && backlog == old.backlog
            && allowsInsecureDirectory == old.allowsInsecureDirectory && existingServer == old.existingServer
            && takeOverTimeout == old.takeOverTimeout && nameLoss == old.nameLoss
            && republishInterval == old.republishInterval
        if !isNameSame { return .name }
        if acceptsPerTurn != old.acceptsPerTurn { return .workPerTurn }
        return connection.serverSetting(differingFrom: old.connection)
    }
}

extension PipeConnection.Configuration {
    /// The first setting that differs from another configuration, of those that are fixed for all of a server's
    /// connections.
    fileprivate func serverSetting(differingFrom old: Self) -> FixedSetting? {
        if !framing.isSame(as: old.framing) { return .framing }
        if descriptors != old.descriptors || lacksPassRights != old.lacksPassRights { return .descriptors }
        let isQueueSame =
            highWaterMark == old.highWaterMark && lowWaterMark == old.lowWaterMark
            && sendQueueLimit == old.sendQueueLimit && slowReaderPolicy == old.slowReaderPolicy
            && pausesReceivingAboveHighWaterMark == old.pausesReceivingAboveHighWaterMark
        if !isQueueSame { return .sendQueue }
        if heldByteLimit != old.heldByteLimit { return .heldByteLimit }
        if messagesPerTurn != old.messagesPerTurn { return .workPerTurn }
        if sendBufferByteCount != old.sendBufferByteCount { return .sendBufferByteCount }
        if unreadByteLimit != old.unreadByteLimit { return .unreadByteLimit }
        return keepsStatistics == old.keepsStatistics ? nil : .keepsStatistics
    }
}

extension MessageFraming {
    /// Whether another framing is the same, as far as can be found out: a type that is not `Equatable` does not say.
    fileprivate func isSame(as other: any MessageFraming) -> Bool {
        guard let own = self as? any Equatable else { return type(of: other) == Self.self }
        return own.isEqual(to: other)
    }
}

extension Equatable {
    fileprivate func isEqual(to other: Any) -> Bool { (other as? Self) == self }
}
