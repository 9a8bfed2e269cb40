// SPDX-License-Identifier: Apache-2.0

extension AcceptedConnection {
    /// Takes over a connection that another process has passed on, such as a master that deals its clients to workers.
    ///
    /// - Parameter descriptor: one end of a Unix stream connection.
    /// - Throws: as ``init(adopting:unreadBytes:)``. If it throws, the descriptor is closed.
    public init(adopting descriptor: consuming ReceivedDescriptor) throws(PipeError) {
        let connection = try AcceptedConnection(adopting: descriptor.rawValue)
        _ = descriptor.release()
        self = connection
    }
}
