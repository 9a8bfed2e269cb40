// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// File descriptors to send with a message, in order. The value owns them: after they are sent, or at its end, it
/// closes them, on a thread of the library's.
///
/// ```swift
/// var descriptors = OutgoingDescriptors()
/// try descriptors.append(duplicating: log.fileDescriptor)
/// try connection.send("your log", descriptors: &descriptors)
/// ```
public struct OutgoingDescriptors: ~Copyable, Sendable {
    /// The numbers, in order.
    private(set) var numbers: [Int32] = []

    /// Those of the numbers that came from a peer.
    private var foreign: [Int32] = []

    /// Creates a value without descriptors.
    public init() {}

    /// How many there are.
    public var count: Int { numbers.count }

    /// Whether there are none.
    public var isEmpty: Bool { numbers.isEmpty }

    /// Appends a copy of a descriptor (`fcntl(2)` with `F_DUPFD_CLOEXEC`), which stays the caller's.
    ///
    /// - Parameter descriptor: the number of an open descriptor.
    /// - Throws: ``PipeError/system(_:)`` with `EBADF` if it is not open, with `EMFILE` if no descriptor is free. If it
    ///   throws, nothing is appended.
    public mutating func append(duplicating descriptor: Int32) throws(PipeError) {
        do {
            numbers.append(try DescriptorCalls.duplicate(descriptor))
        } catch {
            throw .system(error)
        }
    }

    /// Appends a descriptor that nothing else owns. From now on, no other code may use or close the number.
    ///
    /// - Parameter descriptor: the number of an open descriptor; a negative number is a programmer error.
    public mutating func append(taking descriptor: Int32) {
        precondition(descriptor >= 0, "not a descriptor: \(descriptor)")
        numbers.append(descriptor)
    }

    /// Appends a descriptor that a peer has sent, to pass it on.
    public mutating func append(_ descriptor: consuming ReceivedDescriptor) {
        let number = descriptor.release()
        numbers.append(number)
        foreign.append(number)
    }

    /// Appends all descriptors that came with a message, and leaves none there.
    public mutating func append(allOf descriptors: inout ReceivedDescriptors) {
        while let next = descriptors.takeFirst() { append(next) }
    }

    /// Moves all of them to a new value, and leaves none here.
    mutating func takeAll() -> OutgoingDescriptors {
        var all = OutgoingDescriptors()
        swap(&all, &self)
        return all
    }

    /// Closes the copies of this process: the kernel has passed them on.
    mutating func didSend() {
        // Not the last close, unless the peer was quicker.
        DescriptorDisposal.shared.close(own: numbers)
        numbers = []
        foreign = []
    }

    deinit {
        guard !numbers.isEmpty else { return }
        let foreign = foreign
        DescriptorDisposal.shared.close(own: numbers.filter { !foreign.contains($0) })
        DescriptorDisposal.shared.close(received: foreign)
    }
}
