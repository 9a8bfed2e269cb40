// SPDX-License-Identifier: Apache-2.0

/// The bytes that a framing puts around a message: bytes in front of it and bytes behind it.
public struct FrameEnvelope: Hashable, Sendable {
    /// How many bytes stand in front of the message.
    public var prefixByteCount: Int

    /// How many bytes stand behind the message.
    public var suffixByteCount: Int

    /// Describes an envelope. Negative numbers are a programmer error.
    public init(prefixByteCount: Int = 0, suffixByteCount: Int = 0) {
        precondition(prefixByteCount >= 0 && suffixByteCount >= 0, "a negative size")
        self.prefixByteCount = prefixByteCount
        self.suffixByteCount = suffixByteCount
    }
}
