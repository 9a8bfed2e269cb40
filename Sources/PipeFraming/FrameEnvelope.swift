// SPDX-License-Identifier: Apache-2.0

/// The sizes of the bytes that a framing puts before and behind a message.
public struct FrameEnvelope: Hashable, Sendable {
    /// The number of bytes before the message.
    public var prefixByteCount: Int

    /// The number of bytes behind the message.
    public var suffixByteCount: Int

    /// Describes an envelope. Negative numbers are a programmer error.
    public init(prefixByteCount: Int = 0, suffixByteCount: Int = 0) {
        precondition(prefixByteCount >= 0 && suffixByteCount >= 0, "a negative size")
        self.prefixByteCount = prefixByteCount
        self.suffixByteCount = suffixByteCount
    }
}
