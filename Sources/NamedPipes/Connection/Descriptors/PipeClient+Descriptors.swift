// SPDX-License-Identifier: Apache-2.0

extension PipeClient {
    /// Sends one message with file descriptors on the connection; without one, throws ``PipeError/notConnected``.
    ///
    /// A message that a connection could not send any more is kept with its descriptors if
    /// ``Configuration/unsentMessages`` says so.
    ///
    /// - Returns: whether there is room for more.
    /// - Throws: as ``PipeConnection/send(_:descriptors:)-(Span<UInt8>,_)``.
    @discardableResult
    public func send(
        _ message: Span<UInt8>, descriptors: inout OutgoingDescriptors
    ) throws(PipeError) -> PipeConnection.SendVerdict {
        endpoint.assertOwner()
        guard let connection, connection.isOpen else { throw .notConnected }
        return try connection.send(message, descriptors: &descriptors)
    }
}
