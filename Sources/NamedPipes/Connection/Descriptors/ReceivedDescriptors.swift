// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The file descriptors that came with a message, in the order in which the peer listed them. They are close-on-exec.
///
/// The value owns them. Descriptors that are not taken out are closed at its end, on a thread of the library's: the
/// last close of a descriptor can block for as long as its sender likes (a TCP socket with `SO_LINGER`, a file of a
/// FUSE program that does not answer). Taken out, each is a ``ReceivedDescriptor``, which closes in the same way.
///
/// ```swift
/// func connection(
///     _ connection: PipeConnection, didReceive message: Span<UInt8>, descriptors: inout ReceivedDescriptors
/// ) {
///     guard let log = descriptors.takeFirst(), log.kind == .file else { return connection.close() }
///     logs.append(FileHandle(fileDescriptor: log.release(), closeOnDealloc: true))
/// }
/// ```
public struct ReceivedDescriptors: ~Copyable, Sendable {
    private var numbers: [Int32]
    /// The account in which they are in flight; nil once that is over.
    private var ticket: DescriptorTicket?

    /// Takes over open descriptors.
    init(taking numbers: [Int32], _ ticket: DescriptorTicket? = nil) {
        self.numbers = numbers
        self.ticket = ticket
    }

    /// How many are left.
    public var count: Int { numbers.count }

    /// Whether none are left.
    public var isEmpty: Bool { numbers.isEmpty }

    /// The kind of one that is left, counted from 0. An index out of bounds is a programmer error.
    public func kind(at index: Int) -> DescriptorKind { DescriptorKind(of: numbers[index]) }

    /// Takes the first one out; nil if none is left.
    public mutating func takeFirst() -> ReceivedDescriptor? {
        guard !numbers.isEmpty else { return nil }
        ticket?.release(1)
        return ReceivedDescriptor(taking: numbers.removeFirst())
    }

    /// Takes all out that are left, to be kept beyond the callback or moved to another thread.
    public mutating func takeAll() -> ReceivedDescriptors { ReceivedDescriptors(taking: releaseNumbers()) }

    /// Takes all out together with their account: they stay in flight.
    mutating func takeAllInFlight() -> ReceivedDescriptors {
        defer {
            numbers = []
            ticket = nil
        }
        ticket?.hold(numbers.count)
        return ReceivedDescriptors(taking: numbers, ticket)
    }

    /// The numbers, which the caller owns from now on.
    mutating func releaseNumbers() -> [Int32] {
        ticket?.release(numbers.count)
        defer { numbers = [] }
        return numbers
    }

    deinit {
        guard !numbers.isEmpty else { return }
        let count = numbers.count
        guard var ticket else { return DescriptorDisposal.shared.close(received: numbers) }
        ticket.hold(count)
        DescriptorDisposal.shared.close(received: numbers) { [ticket] in ticket.release(count) }
    }
}

/// One file descriptor that came with a message. Its end closes it, on a thread of the library's.
public struct ReceivedDescriptor: ~Copyable, Sendable {
    /// The number, for system calls made while this value lives.
    public let rawValue: Int32

    init(taking rawValue: Int32) { self.rawValue = rawValue }

    /// The kind of file behind it. Costs one system call, for a socket three.
    public var kind: DescriptorKind { DescriptorKind(of: rawValue) }

    /// Gives the descriptor up without closing it: the caller has to. The last `close(2)` of a descriptor that a
    /// stranger has sent can block.
    public consuming func release() -> Int32 {
        let number = rawValue
        discard self
        return number
    }

    deinit { DescriptorDisposal.shared.close(received: [rawValue]) }
}
