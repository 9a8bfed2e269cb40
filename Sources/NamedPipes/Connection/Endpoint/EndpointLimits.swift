// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// The limits of each connection of an endpoint, computed once from the configuration.
struct EndpointLimits {
    /// Decides whether a queue takes another message.
    let admission: QueueAdmission

    /// The share of the budget that one connection may hold, and may have queued, in bytes.
    let byteShare: Int

    /// The most that one connection may hold of a message, in bytes.
    let heldByteLimit: Int

    /// How many messages one connection receives before the others get their turn: at least one.
    let messagesPerTurn: Int

    /// The marks of the send queue, in bytes, and whether receiving pauses above the high one.
    let highWaterMark: Int
    let lowWaterMark: Int
    let pausesReceivingAboveHighWaterMark: Bool

    /// `SO_SNDBUF` of each socket; nil leaves the kernel's default.
    let sendBufferByteCount: Int?

    /// - Parameter byteShare: nil if the budget is not divided into shares.
    init(_ configuration: PipeConnection.Configuration, byteShare: Int?) {
        admission = QueueAdmission(configuration)
        self.byteShare = byteShare ?? .max
        heldByteLimit = min(configuration.effectiveHeldByteLimit, self.byteShare)
        messagesPerTurn = max(1, configuration.messagesPerTurn)
        highWaterMark = configuration.highWaterMark
        lowWaterMark = configuration.lowWaterMark
        pausesReceivingAboveHighWaterMark = configuration.pausesReceivingAboveHighWaterMark
        sendBufferByteCount = configuration.sendBufferByteCount
    }
}

extension PipeConnection.Configuration {
    /// The framing limits messages. An envelope adds little, and the bytes that were read behind a message wait with
    /// it.
    var effectiveHeldByteLimit: Int {
        heldByteLimit ?? (min(framing.maximumMessageByteCount, .max / 2) + Self.heldByteSurplus)
    }

    private static let heldByteSurplus = 2 << 20
}
