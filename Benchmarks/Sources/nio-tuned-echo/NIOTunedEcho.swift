// SPDX-License-Identifier: Apache-2.0
import EchoOptions
import NIOCore
import NIOFrames
import NIOPosix

/// SwiftNIO tuned by hand: one handler does everything, so that no message travels through the pipeline by itself.
@main
enum NIOTunedEcho {
    static func main() throws {
        let options = EchoOptions(supporting: [.sendBuffer, .receiveBuffer])
        raiseDescriptorLimit()
        let server = try ServerBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: 1))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(BackPressureHandler(), TunedEchoHandler())
                }
            }
            // One read per readiness, for everything that the kernel has by then: more than the 64 KiB of NIO's
            // default.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: 256 << 10)
            )
            .forManyClients(as: options)
            .bind(unixDomainSocketPath: options.socket, cleanupExistingSocketFile: true).wait()
        try server.closeFuture.wait()
    }
}
