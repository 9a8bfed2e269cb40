// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// An endpoint's framing, stored twice: the default one also has a property of its concrete type, so that the compiler
/// inlines scanning and encoding, and opens no existential for each message.
struct FrameCodec {
    let framing: any MessageFraming
    let lengthPrefix: LengthPrefixFraming?

    /// The framing, if its frames say how many descriptors come with them.
    let announcing: (any DescriptorAnnouncingFraming)?

    /// The size of the largest message that becomes a plain frame (``FrameBuffer/appendPlainFrame(_:)``); -1 if none
    /// does.
    let plainMessageLimit: Int

    init(_ framing: any MessageFraming) {
        self.framing = framing
        lengthPrefix = framing as? LengthPrefixFraming
        announcing = framing as? any DescriptorAnnouncingFraming
        plainMessageLimit = min(lengthPrefix?.plainLimit ?? -1, ReactorBuffers.inPlaceByteCount - 1)
    }

    /// Appends one frame; see ``MessageFraming/encode(_:into:)``.
    @inline(__always)
    func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        if let lengthPrefix { return try lengthPrefix.encode(message, into: &output) }
        try framing.encode(message, into: &output)
    }

    /// The size of a message's frame: the message's own size if the framing adds no envelope.
    func frameByteCount(of message: Span<UInt8>) throws(FramingError) -> Int {
        if let lengthPrefix, message.count <= lengthPrefix.plainLimit {
            return message.count + QueueAdmission.headerByteCount
        }
        var envelope = FrameBuffer()
        _ = try framing.encodeEnvelope(of: message, into: &envelope)
        return message.count + envelope.byteCount
    }
}
