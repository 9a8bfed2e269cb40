// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

extension AsyncPipeConnection {
    /// Sends one message with file descriptors; see ``send(_:)-([UInt8])`` and
    /// ``PipeConnection/send(_:descriptors:)-(Span<UInt8>,_)``.
    ///
    /// - Parameters:
    ///   - message: its bytes, at most the framing's maximum.
    ///   - descriptors: at most 253. Emptied if the message was accepted, or dropped by the slow-reader policy; if this
    ///     throws, unchanged.
    /// - Returns: the verdict, which is of interest only if the ``PipeConnection/SlowReaderPolicy`` drops messages.
    /// - Throws: ``PipeError/descriptorsNotSent(_:)``, or as ``send(_:)-([UInt8])``.
    @discardableResult
    public nonisolated(nonsending) func send(
        _ message: [UInt8], descriptors: inout OutgoingDescriptors
    ) async throws -> PipeConnection.SendVerdict {
        let outgoing = OutgoingBox(descriptors.takeAll())
        defer { descriptors = outgoing.takeBack() }
        return try await sendOnReactor { connection throws(PipeError) in
            try outgoing.send(message, on: connection)
        }
    }
}

/// Descriptors on their way to the reactor's thread, and back if they are refused there.
final class OutgoingBox: Sendable {
    private let content: Mutex<OutgoingDescriptors>

    init(_ descriptors: consuming OutgoingDescriptors) { content = Mutex(descriptors) }

    func send(_ message: [UInt8], on connection: PipeConnection) throws(PipeError) -> PipeConnection.SendVerdict {
        var descriptors = takeBack()
        defer { putBack(&descriptors) }
        return try connection.send(message, descriptors: &descriptors)
    }

    func takeBack() -> OutgoingDescriptors { content.withLock { $0.takeAll() } }

    private func putBack(_ descriptors: inout OutgoingDescriptors) {
        content.withLock { swap(&$0, &descriptors) }
    }
}
