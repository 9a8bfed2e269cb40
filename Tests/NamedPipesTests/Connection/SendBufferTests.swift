// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport
import Testing

private let small = 16 << 10
private let message = pattern(1 << 20)

@Suite struct `The kernel's send buffer` {
    /// How much of a message the kernel takes from a connection whose peer does not read.
    private func taken(by connection: PipeConnection, _ loop: Loop) throws -> Int {
        try connection.send(message)
        loop.settle()
        return message.count + 4 - connection.pendingByteCount
    }

    private func takenAtServer(_ byteCount: Int?) throws -> Int {
        var result = 0
        try withLoop { loop in
            var configuration = PipeServer.Configuration()
            configuration.connection.sendBufferByteCount = byteCount
            let raw = try RawClient(loop, configuration)
            result = try taken(by: raw.accepted, loop)
            #expect(
                loop.poll {
                    raw.peer.readAll(); return raw.peer.frames == [message]
                })
        }
        return result
    }

    private func takenAtClient(_ byteCount: Int?) throws -> Int {
        var result = 0
        try withLoop { loop in
            var configuration = PipeClient.Configuration()
            configuration.connection.sendBufferByteCount = byteCount
            let raw = try RawServer(loop, configuration)
            result = try taken(by: #require(raw.client.connection), loop)
            #expect(
                loop.poll {
                    raw.peer.readAll(); return raw.peer.frames == [message]
                })
        }
        return result
    }

    @Test func `has the kernel's default size unless one is given, and then that size`() throws {
        for taken in [takenAtServer, takenAtClient] {
            let (usual, limited) = (try taken(nil), try taken(small))
            #expect(usual > 2 * limited)
            #expect((1...2 * small).contains(limited))
        }
    }

    @Test(arguments: [Int.min, -1, 0, 1]) func `has a least size, whatever is asked for`(byteCount: Int) throws {
        #expect(try takenAtServer(byteCount) > 0)
    }

    @Test func `has a largest size, whatever is asked for`() throws {
        #expect(try takenAtClient(.max) >= takenAtClient(nil))
    }

    /// A fact of unix(7), and the reason why there is no such option.
    @Test func `is the only one: the size of the peer's receive buffer does not matter`() throws {
        var counts: [Int] = []
        for size in [4096, 1 << 20] as [Int32] {
            let (near, far) = try RawPeer.pair()
            var size = size
            #expect(unsafe setsockopt(far.descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) == 0)
            counts.append(near.write(message))
        }
        #expect(counts[0] == counts[1] && counts[0] > 4 * 4096)
    }
}
