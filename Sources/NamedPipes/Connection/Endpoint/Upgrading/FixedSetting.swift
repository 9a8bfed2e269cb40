// SPDX-License-Identifier: Apache-2.0

/// A setting that cannot change once a connection or server exists.
@nonexhaustive
public enum FixedSetting: Hashable, Sendable {
    /// ``PipeConnection/Configuration/frameDeadline``, ``PipeConnection/Configuration/writeStallDeadline``,
    /// ``PipeConnection/Configuration/idleLimit`` or ``PipeConnection/Configuration/ageLimit``: one timer checks them
    /// for all connections.
    case deadlines

    /// ``PipeConnection/Configuration/sendBufferByteCount``.
    case sendBufferByteCount

    /// ``PipeConnection/Configuration/unreadByteLimit``.
    case unreadByteLimit

    /// ``PipeConnection/Configuration/keepsStatistics``.
    case keepsStatistics
}

extension PipeConnection.Configuration {
    /// The first setting that differs from another configuration, of those that are fixed for a connection.
    func fixedSetting(differingFrom other: Self) -> FixedSetting? {
        let deadlines = [frameDeadline, writeStallDeadline, idleLimit, ageLimit]
        if deadlines != [other.frameDeadline, other.writeStallDeadline, other.idleLimit, other.ageLimit] {
            return .deadlines
        }
        if sendBufferByteCount != other.sendBufferByteCount { return .sendBufferByteCount }
        if unreadByteLimit != other.unreadByteLimit { return .unreadByteLimit }
        return keepsStatistics == other.keepsStatistics ? nil : .keepsStatistics
    }
}
