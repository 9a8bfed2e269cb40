// SPDX-License-Identifier: Apache-2.0
public import EchoOptions
public import NIOPosix
import NIOCore

extension ServerBootstrap {
    /// Admits thousands of clients, and gives their connections the buffer sizes of the command line.
    public func forManyClients(as options: EchoOptions) -> ServerBootstrap {
        _ = serverChannelOption(.backlog, value: 4096)
        // Otherwise it accepts four at a time, and with thousands of busy clients the others wait for minutes.
        _ = serverChannelOption(.maxMessagesPerRead, value: 1024)
        if let size = options[.sendBuffer] { _ = childChannelOption(.socketOption(.so_sndbuf), value: size) }
        if let size = options[.receiveBuffer] { _ = childChannelOption(.socketOption(.so_rcvbuf), value: size) }
        return self
    }
}
