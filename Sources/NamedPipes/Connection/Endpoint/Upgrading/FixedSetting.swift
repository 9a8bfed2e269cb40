// SPDX-License-Identifier: Apache-2.0

/// A setting that cannot change once a connection exists (``PipeConnection/upgrade(to:)``) or a server runs
/// (``PipeServer/reconfigure(_:)``).
@nonexhaustive
public enum FixedSetting: Hashable, Sendable {
    /// Of one connection: ``PipeConnection/Configuration/frameDeadline``,
    /// ``PipeConnection/Configuration/writeStallDeadline``, ``PipeConnection/Configuration/idleLimit`` or
    /// ``PipeConnection/Configuration/ageLimit``: one timer checks them for all connections.
    case deadlines

    /// ``PipeConnection/Configuration/sendBufferByteCount``.
    case sendBufferByteCount

    /// ``PipeConnection/Configuration/unreadByteLimit``.
    case unreadByteLimit

    /// ``PipeConnection/Configuration/keepsStatistics``.
    case keepsStatistics

    /// Of a server: how it has its name. ``PipeServer/Configuration/permissions``,
    /// ``PipeServer/Configuration/backlog``, ``PipeServer/Configuration/allowsInsecureDirectory``,
    /// ``PipeServer/Configuration/existingServer``, ``PipeServer/Configuration/takeOverTimeout`` or
    /// ``PipeServer/Configuration/nameLoss``.
    case name

    /// Of a server: ``PipeConnection/Configuration/framing``.
    case framing

    /// Of a server: ``PipeConnection/Configuration/descriptors``.
    case descriptors

    /// Of a server: ``PipeConnection/Configuration/highWaterMark``, ``PipeConnection/Configuration/lowWaterMark``,
    /// ``PipeConnection/Configuration/sendQueueLimit``, ``PipeConnection/Configuration/slowReaderPolicy`` or
    /// ``PipeConnection/Configuration/pausesReceivingAboveHighWaterMark``.
    case sendQueue

    /// Of a server: ``PipeConnection/Configuration/heldByteLimit``.
    case heldByteLimit

    /// Of a server: ``PipeServer/Configuration/acceptsPerTurn`` or ``PipeConnection/Configuration/messagesPerTurn``.
    case workPerTurn
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
