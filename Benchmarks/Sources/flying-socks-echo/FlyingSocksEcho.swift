// SPDX-License-Identifier: Apache-2.0
import EchoOptions
import FlyingSocks
import Foundation

/// FlyingSocks, the sockets of FlyingFox: a task per connection, which awaits bytes and writes the replies of a read
/// at once.
@main
enum FlyingSocksEcho {
    static let maximumMessage = 16 << 20

    static func main() async throws {
        let options = EchoOptions()
        raiseDescriptorLimit()
        let listener = try Socket(domain: AF_UNIX, type: .stream)
        try? FileManager.default.removeItem(atPath: options.socket)
        try listener.bind(to: .unix(path: options.socket))
        try listener.listen(maxPendingConnection: 4096)
        let pool = SocketPool.make(maxEvents: 1024)
        try await pool.prepare()
        let server = try AsyncSocket(socket: listener, pool: pool)
        try await withThrowingDiscardingTaskGroup { tasks in
            tasks.addTask { try await pool.run() }
            for try await client in server.sockets {
                tasks.addTask { await serve(client) }
            }
        }
    }

    static func serve(_ client: AsyncSocket) async {
        var received: [UInt8] = []
        // A client that goes away is an error of read or write, and ends its own task only.
        while let bytes = try? await client.read(atMost: 64 << 10) {
            if received.isEmpty { received = bytes } else { received += bytes }
            var replies = Data()
            guard let walked = walk(received, &replies) else { break }
            received.removeFirst(walked)
            // Nothing is written if there is nothing to write.
            guard (try? await client.write(replies)) != nil else { break }
        }
        try? client.close()
    }

    /// Passes on the whole frames; returns their number of bytes, or nil if a length is beyond the maximum.
    static func walk(_ received: [UInt8], _ replies: inout Data) -> Int? {
        var offset = 0
        while received.count - offset >= 4 {
            let length = received[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= maximumMessage else { return nil }
            let end = offset + 4 + length
            guard end <= received.count else { break }
            handle(received[offset + 4..<end], &replies)
            offset = end
        }
        return offset
    }

    static func handle(_ message: ArraySlice<UInt8>, _ replies: inout Data) {
        unsafe withUnsafeBytes(of: UInt32(message.count).bigEndian) { unsafe replies.append(contentsOf: $0) }
        replies.append(contentsOf: message)
    }
}
