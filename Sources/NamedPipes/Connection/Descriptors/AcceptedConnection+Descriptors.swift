// SPDX-License-Identifier: Apache-2.0

extension AcceptedConnection {
    /// Takes over a connection that another process has passed on, such as a master that deals its clients to workers.
    ///
    /// - Parameters:
    ///   - descriptor: one end of a Unix stream connection.
    ///   - unreadBytes: what the other process has read and not delivered; see ``DetachedConnection/unreadBytes``. The
    ///     default is none.
    /// - Throws: as ``init(adopting:unreadBytes:)-(Int32,_)``. If it throws, the descriptor is closed.
    public init(adopting descriptor: consuming ReceivedDescriptor, unreadBytes: [UInt8] = []) throws(PipeError) {
        let connection = try AcceptedConnection(adopting: descriptor.rawValue, unreadBytes: unreadBytes)
        _ = descriptor.release()
        self = connection
    }
}
