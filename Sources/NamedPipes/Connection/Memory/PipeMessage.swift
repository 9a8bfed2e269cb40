// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// A message that outlives the callback that received it, and that can be sent any number of times without being
/// copied: everything that holds or sends it shares its memory.
///
/// ```swift
/// func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
///     latest = connection.keep(message)       // no copy, if it is large
/// }
///
/// func connectionDidOpen(_ connection: PipeConnection) {
///     if let latest { _ = try? connection.send(latest) }
/// }
/// ```
///
/// Its bytes never change, and any thread may hold it.
@safe
public struct PipeMessage: Sendable {
    // Safe to share between threads, because nothing writes to the memory of this message any more.
    private nonisolated(unsafe) let storage: SharedBuffer
    private nonisolated(unsafe) let start: UnsafeRawPointer?

    /// The size in bytes.
    public let byteCount: Int

    /// Copies a message.
    public init(copying message: Span<UInt8>) {
        let bytes = SharedBuffer()
        bytes.bytes.append(contentsOf: message)
        unsafe storage = bytes
        byteCount = message.count
        unsafe start = bytes.bytes.withUnsafeBytes { $0.baseAddress }
    }

    /// Copies a message.
    public init(copying message: [UInt8]) { self.init(copying: message.span) }

    init(_ body: UnsafeRawBufferPointer, in storage: SharedBuffer) {
        unsafe self.storage = storage
        unsafe start = body.baseAddress
        byteCount = body.count
    }

    /// Calls a function with the bytes, in place.
    public func withBytes<Result: ~Copyable, Failure: Error>(
        _ use: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let (body, owner) = unsafe memory
        defer { withExtendedLifetime(owner) {} }
        return try unsafe use(Span<UInt8>(_unsafeBytes: body))
    }

    /// The memory of the bytes, valid as long as the owner lives.
    var memory: (body: UnsafeRawBufferPointer, owner: SharedBuffer) {
        unsafe (UnsafeRawBufferPointer(start: start, count: byteCount), storage)
    }
}
