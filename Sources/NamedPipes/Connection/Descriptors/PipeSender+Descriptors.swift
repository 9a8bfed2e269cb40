// SPDX-License-Identifier: Apache-2.0

extension PipeSender {
    /// Sends one message with file descriptors, without waiting for the verdict. From any thread; see
    /// ``post(_:)-([UInt8])`` and ``PipeConnection/send(_:descriptors:)-(Span<UInt8>,_)``.
    ///
    /// - Parameters:
    ///   - message: its bytes, at most the framing's maximum.
    ///   - descriptors: at most 253. If the message is refused or dropped, they are closed unsent.
    public func post(_ message: [UInt8], descriptors: consuming OutgoingDescriptors) {
        let outgoing = OutgoingBox(descriptors)
        post { connection throws(PipeError) in try outgoing.send(message, on: connection) }
    }

    /// Sends one message with file descriptors and waits for the verdict, not for the peer. From any task; see
    /// ``send(_:)-([UInt8])``.
    ///
    /// - Parameters:
    ///   - message: its bytes, at most the framing's maximum.
    ///   - descriptors: at most 253. Emptied if the message was accepted, or dropped by the slow-reader policy; if this
    ///     throws, unchanged.
    /// - Returns: whether there is room for more.
    /// - Throws: as ``PipeConnection/send(_:descriptors:)-(Span<UInt8>,_)``; ``PipeError/notConnected(_:)`` if the
    ///   connection has ended.
    @discardableResult
    public func send(
        _ message: [UInt8], descriptors: inout OutgoingDescriptors
    ) async throws(PipeError) -> PipeConnection.SendVerdict {
        let outgoing = OutgoingBox(descriptors.takeAll())
        defer { descriptors = outgoing.takeBack() }
        return try await submit { connection throws(PipeError) in try outgoing.send(message, on: connection) }
    }
}
