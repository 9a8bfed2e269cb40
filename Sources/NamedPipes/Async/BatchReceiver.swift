// SPDX-License-Identifier: Apache-2.0

/// What receives the messages of a batch. The descriptors that it does not take out are closed.
typealias BatchBody = (_ message: Span<UInt8>, _ descriptors: inout ReceivedDescriptors?) throws -> Void

/// Gets the messages of one read in place of the delegate, for the function of the task that carries the read out.
final class BatchReceiver: PipeConnectionDelegate {
    private let body: BatchBody
    private(set) var messageCount = 0
    /// The function's error. The messages behind it wait for the next task.
    private(set) var failure: (any Error)?

    init(_ body: @escaping BatchBody) { self.body = body }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        guard failure == nil else { return AsyncConnectionState.of(connection).didReceive(message) }
        deliver(message, nil)
    }

    func connection(
        _ connection: PipeConnection, didReceive message: Span<UInt8>, descriptors: inout ReceivedDescriptors
    ) {
        guard failure == nil else { return AsyncConnectionState.of(connection).didReceive(message, &descriptors) }
        deliver(message, descriptors.takeAllInFlight())
    }

    @inline(__always)
    private func deliver(_ message: Span<UInt8>, _ descriptors: consuming ReceivedDescriptors?) {
        messageCount &+= 1
        do { try body(message, &descriptors) } catch { failure = error }
    }
}

extension PipeMessage {
    /// Calls a task's function with this message.
    func deliver(to body: BatchBody) throws {
        var descriptors: ReceivedDescriptors?
        if unsafe memory.owner.descriptors != nil { descriptors = takeDescriptors() }
        try withBytes { bytes in try body(bytes, &descriptors) }
    }
}
