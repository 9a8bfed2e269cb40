// SPDX-License-Identifier: Apache-2.0
public import NIOCore

/// Puts its length before each message, as `LengthFieldPrepender` of NIOExtras does: in a buffer of its own, so that
/// the message is not copied. A gathered write then takes both. (NIOExtras itself would bring a dozen packages along.)
public final class FramePrepender: ChannelOutboundHandler {
    public typealias OutboundIn = ByteBuffer
    public typealias OutboundOut = ByteBuffer

    public init() {}

    public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let header = ByteBuffer(integer: UInt32(unwrapOutboundIn(data).readableBytes))
        context.write(wrapOutboundOut(header), promise: nil)
        context.write(data, promise: promise)
    }
}
