// SPDX-License-Identifier: Apache-2.0
public import NIOCore

/// Cuts the stream into messages, as the documentation of `ByteToMessageDecoder` shows it.
public final class FrameDecoder: ByteToMessageDecoder {
    public typealias InboundOut = ByteBuffer

    struct MessageTooLong: Error {}

    static let maximumMessage = 16 << 20

    public init() {}

    public func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return .needMoreData }
        guard length <= Self.maximumMessage else { throw MessageTooLong() }
        guard let message = buffer.readLengthPrefixedSlice(as: UInt32.self) else { return .needMoreData }
        context.fireChannelRead(Self.wrapInboundOut(message))
        return .continue
    }
}
