// SPDX-License-Identifier: Apache-2.0

/// Which messages a capture wants: those that have all properties that are set. The default is all messages.
struct CaptureFilter: Sendable, Hashable {
    /// The server's identifier of the connection; see ``CapturedMessage/connection``.
    var connection: String?

    /// The client's user.
    var userID: UInt32?

    /// The client's process.
    var processID: Int32?

    /// One of the two ways.
    var direction: CapturedMessage.Direction?

    /// Whether the capture wants this message.
    func admits(_ message: CapturedMessage) -> Bool {
        (connection == nil || connection == message.connection) && (userID == nil || userID == message.userID)
            && (processID == nil || processID == message.processID)
            && (direction == nil || direction == message.direction)
    }
}
