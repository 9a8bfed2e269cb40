// SPDX-License-Identifier: Apache-2.0
public import EchoOptions
public import NIOPosix
import NIOCore

extension ServerBootstrap {
    /// Gives the connections the sizes of buffers that were asked for on the command line.
    public func sizingBuffers(as options: EchoOptions) -> ServerBootstrap {
        if let size = options[.sendBuffer] { _ = childChannelOption(.socketOption(.so_sndbuf), value: size) }
        if let size = options[.receiveBuffer] { _ = childChannelOption(.socketOption(.so_rcvbuf), value: size) }
        return self
    }
}
