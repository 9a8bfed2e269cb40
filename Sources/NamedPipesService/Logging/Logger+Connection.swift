// SPDX-License-Identifier: Apache-2.0
#if Service
public import Logging
public import NamedPipes

/// The metadata keys of the library's log.
enum MetadataKey {
    static let address = "pipe.address"
    static let connection = "pipe.connection"
    static let processID = "pipe.peer.pid"
    static let userID = "pipe.peer.uid"
    static let reason = "pipe.reason"
    static let detail = "pipe.detail"
    static let suppressed = "pipe.suppressed"
}

extension Logger {
    /// This logger with an address in its metadata: `pipe.address`.
    ///
    /// - Parameter address: a server's address.
    public func describing(_ address: PipeAddress) -> Logger {
        adding([MetadataKey.address: "\(address)"])
    }

    /// This logger with a connection and its peer in its metadata: `pipe.connection`, `pipe.peer.pid`, `pipe.peer.uid`.
    ///
    /// Handlers of a ``PipeService`` find it as `Logger.current`.
    ///
    /// - Parameter connection: the connection.
    public func describing(_ connection: AsyncPipeConnection) -> Logger {
        adding(.about(connection.id, connection.peer))
    }

    /// This logger with a connection and its peer in its metadata: `pipe.connection`, `pipe.peer.pid`, `pipe.peer.uid`.
    ///
    /// - Parameter connection: the connection.
    public func describing(_ connection: PipeConnection) -> Logger {
        adding(.about(connection.id, connection.peer))
    }

    private func adding(_ metadata: Metadata) -> Logger {
        var logger = self
        for (key, value) in metadata { logger[metadataKey: key] = value }
        return logger
    }
}

extension Logger.Metadata {
    static func about(_ id: PipeConnection.ID, _ peer: PeerCredentials) -> Self {
        about(peer).merging([MetadataKey.connection: "\(id)"]) { $1 }
    }

    static func about(_ peer: PeerCredentials) -> Self {
        [MetadataKey.processID: "\(peer.processID)", MetadataKey.userID: "\(peer.userID)"]
    }
}
#endif
