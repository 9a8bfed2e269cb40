// SPDX-License-Identifier: Apache-2.0

// Ways to keep a message beyond the callback that received it.

extension Array where Element == UInt8 {
    /// The bytes of a message, copied.
    public init(copying message: Span<UInt8>) {
        // By pointer: the initialiser with a capacity takes 400 instructions more, whatever the size (Swift 6.3.1).
        self = unsafe message.withUnsafeBufferPointer { unsafe Array($0) }
    }

    /// The bytes of a message, copied.
    public init(copying message: PipeMessage) { self = message.withBytes { [UInt8](copying: $0) } }
}

extension String {
    /// The text of a message, copied; nil if its bytes are not UTF-8.
    public init?(copying message: Span<UInt8>) {
        guard let text = try? UTF8Span(validating: message) else { return nil }
        self = String(copying: text)
    }

    /// The text of a message, copied; nil if its bytes are not UTF-8.
    public init?(copying message: PipeMessage) {
        guard let text = message.withBytes({ String(copying: $0) }) else { return nil }
        self = text
    }
}
