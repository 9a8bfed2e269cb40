// SPDX-License-Identifier: Apache-2.0
import EchoOptions
import NIOCore
import NIOFrames
import NIOPosix

/// SwiftNIO as its documentation shows it: its example NIOEchoServer, with a codec of frames in the pipeline.
@main
enum NIOEcho {
    final class Echo: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.write(data, promise: nil)
        }

        /// The replies of a burst leave in one gathered write.
        func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    static func main() throws {
        let options = EchoOptions(supporting: [.sendBuffer, .receiveBuffer])
        raiseDescriptorLimit()
        let server = try ServerBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: 1))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(BackPressureHandler())
                    try pipeline.addHandler(ByteToMessageHandler(FrameDecoder()))
                    try pipeline.addHandler(FramePrepender())
                    try pipeline.addHandler(Echo())
                }
            }
            .childChannelOption(.maxMessagesPerRead, value: 16)
            .childChannelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator())
            .forManyClients(as: options)
            .bind(unixDomainSocketPath: options.socket, cleanupExistingSocketFile: true).wait()
        try server.closeFuture.wait()
    }
}
