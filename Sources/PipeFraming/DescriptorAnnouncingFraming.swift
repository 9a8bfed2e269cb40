// SPDX-License-Identifier: Apache-2.0

/// A framing whose frames say how many file descriptors come with their message, so that descriptors can be passed on
/// a connection. ``DescriptorFraming`` is one.
///
/// The number has to stand in the frame itself: the kernel passes descriptors beside the bytes, and does not say to
/// which byte they belong.
public protocol DescriptorAnnouncingFraming: MessageFraming {
    /// The number of descriptors that a frame announces, 0 or more.
    ///
    /// - Parameter frame: a whole frame, in which
    ///   ``MessageFraming/nextFrame(in:scannedByteCount:)`` has found a message.
    func descriptorCount(ofFrame frame: Span<UInt8>) -> Int

    /// Appends one frame that carries `message` and announces descriptors. Of the same size as without descriptors.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - descriptorCount: the number to announce, 0 or more.
    ///   - output: the buffer to append to.
    /// - Throws: ``FramingError`` if the framing cannot express the message or the number. If it throws, nothing is
    ///   appended.
    func encode(
        _ message: Span<UInt8>, descriptorCount: Int, into output: inout FrameBuffer
    ) throws(FramingError)
}
