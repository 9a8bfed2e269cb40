// SPDX-License-Identifier: Apache-2.0
import EchoOptions
import NIOCore
import NIOFrames
import NIOPosix

/// SwiftNIO's bridge to async sequences, as its example NIOTCPEchoServer shows it: a task per connection, which awaits
/// each message and each write. The tasks run on Swift's pool, the sockets on one event loop.
@main
enum NIOAsyncEcho {
    typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    static func main() async throws {
        let options = EchoOptions(supporting: [.sendBuffer, .receiveBuffer])
        raiseDescriptorLimit()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: 1))
            .forManyClients(as: options)
            .bind(unixDomainSocketPath: options.socket, cleanupExistingSocketFile: true) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(FrameDecoder()))
                    try channel.pipeline.syncOperations.addHandler(FramePrepender())
                    return try Connection(wrappingChannelSynchronously: channel)
                }
            }
        try await withThrowingDiscardingTaskGroup { tasks in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    tasks.addTask { await serve(connection) }
                }
            }
        }
    }

    static func serve(_ connection: Connection) async {
        // A client that goes away ends its own task only.
        try? await connection.executeThenClose { inbound, outbound in
            for try await message in inbound {
                try await handle(message, outbound)
            }
        }
    }

    static func handle(_ message: ByteBuffer, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) async throws {
        try await outbound.write(message)
    }
}
