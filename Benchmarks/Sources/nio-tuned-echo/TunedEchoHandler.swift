// SPDX-License-Identifier: Apache-2.0
import NIOCore

/// Decodes each read, appends all replies to one buffer, and sends that with one write per burst. Large messages are
/// not copied: they are written as slices of the buffer in which they arrived.
final class TunedEchoHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    struct MessageTooLong: Error {}

    static let maximumMessage = 16 << 20
    static let copiedUpTo = 16 << 10

    /// The beginning of a frame. Only the rest of that frame is added to it: the bytes that follow are decoded in
    /// place.
    private var partial: ByteBuffer?
    private var replies = ByteBuffer()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        do {
            if var frame = partial.take() {
                guard try complete(&frame, from: &input) else { return partial = frame }
                _ = try walk(frame, context)
            }
            input.moveReaderIndex(forwardBy: try walk(input, context))
            if input.readableBytes > 0 { partial = context.channel.allocator.buffer(buffer: input) }
        } catch {
            context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard replies.readableBytes > 0 else { return context.flush() }
        context.writeAndFlush(wrapOutboundOut(replies), promise: nil)
        // Unless the kernel left something over, this is the only owner again, and the memory is reused.
        replies.clear()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func handle(_ message: RawSpan) {
        replies.writeInteger(UInt32(message.byteCount))
        replies.writeBytes(message)
    }

    private func handle(large message: ByteBuffer, _ context: ChannelHandlerContext) {
        replies.writeInteger(UInt32(message.readableBytes))
        context.write(wrapOutboundOut(replies), promise: nil)
        replies = ByteBuffer()
        context.write(wrapOutboundOut(message), promise: nil)
    }

    /// Passes on the whole frames; returns their number of bytes.
    private func walk(_ input: ByteBuffer, _ context: ChannelHandlerContext) throws -> Int {
        let bytes = input.readableBytesSpan
        var offset = 0
        while bytes.byteCount - offset >= 4 {
            let length = try Self.length(bytes, at: offset)
            let end = offset + 4 + length
            guard end <= bytes.byteCount else { break }
            if length <= Self.copiedUpTo {
                handle(bytes.extracting(offset + 4..<end))
            } else if let message = input.getSlice(at: input.readerIndex + offset + 4, length: length) {
                handle(large: message, context)
            }
            offset = end
        }
        return offset
    }

    /// Moves the missing bytes of the frame from the input; returns whether it is complete now.
    private func complete(_ frame: inout ByteBuffer, from input: inout ByteBuffer) throws -> Bool {
        guard fill(&frame, upTo: 4, from: &input) else { return false }
        return fill(&frame, upTo: 4 + (try Self.length(frame.readableBytesSpan, at: 0)), from: &input)
    }

    private func fill(_ frame: inout ByteBuffer, upTo count: Int, from input: inout ByteBuffer) -> Bool {
        frame.reserveCapacity(count)
        let missing = max(0, count - frame.readableBytes)
        if var piece = input.readSlice(length: min(missing, input.readableBytes)) { frame.writeBuffer(&piece) }
        return frame.readableBytes >= count
    }

    private static func length(_ bytes: RawSpan, at offset: Int) throws -> Int {
        let header = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self)
        let length = Int(UInt32(bigEndian: header))
        guard length <= maximumMessage else { throw MessageTooLong() }
        return length
    }
}
