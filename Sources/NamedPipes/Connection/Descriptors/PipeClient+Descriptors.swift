// SPDX-License-Identifier: Apache-2.0

extension PipeClient {
    /// Sends one message with file descriptors on the connection; without one, throws ``PipeError/notConnected(_:)``,
    /// also if ``Configuration/unsentMessages`` keeps messages: open files that wait for a server that may never come
    /// are a leak.
    ///
    /// A message that was queued and that the connection could not send any more is kept with its descriptors if
    /// ``Configuration/unsentMessages`` says so, like any other.
    ///
    /// - Returns: whether there is room for more.
    /// - Throws: as ``PipeConnection/send(_:descriptors:)-(Span<UInt8>,_)``.
    @discardableResult
    public func send(
        _ message: Span<UInt8>, descriptors: inout OutgoingDescriptors
    ) throws(PipeError) -> PipeConnection.SendVerdict {
        endpoint.assertOwner()
        guard let connection, connection.isOpen else { throw .notConnected(missing) }
        return try connection.send(message, descriptors: &descriptors)
    }
}
