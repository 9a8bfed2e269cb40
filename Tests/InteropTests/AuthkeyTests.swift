// SPDX-License-Identifier: Apache-2.0
#if Authkey
import NamedPipes
import NamedPipesAuthkey
import Synchronization
import Testing

/// The interpreter says by itself which exchange it speaks: 3.12 and later answer a challenge with MD5 as well.
@Suite struct `Python's authkey` {
    @Test(.requires("python3"), arguments: ["a secret", "another"])
    func `is known to a client of ours`(itsKey: String) async throws {
        let address = try PipeAddress.unique(prefix: "authkey")
        let peer = try ForeignPeer("authkey_peer.py", ["listener", "\(address)", itsKey])
        while peer.output != ["listening"], !peer.hasExited { await Task.yield() }
        let error = Mutex<AuthkeyError?>(nil)
        try await PipeClient.withConnection(to: address) { connection in
            do {
                try await connection.authenticate(as: .client, key: Array("a secret".utf8), digest: .md5)
                try await connection.send("hello")
                var messages = connection.messages.makeAsyncIterator()
                let reply = try await messages.next()
                #expect(reply.map { $0.withBytes { $0.count } } == 10)
            } catch let found as AuthkeyError {
                error.withLock { $0 = found }
            }
        }
        while !peer.hasExited { await Task.yield() }
        let isRight = itsKey == "a secret"
        #expect(error.withLock { $0 } == (isRight ? nil : .rejectedByPeer))
        peer.expectSuccess(printing: "listening", isRight ? "ok" : "digest received was wrong")
    }

    @Test(.requires("python3"), arguments: ["a secret", "another"])
    func `is known to a server of ours`(itsKey: String) async throws {
        let address = try PipeAddress.unique(prefix: "authkey")
        let errors = Mutex<[AuthkeyError]>([])
        let peer = Mutex<ForeignPeer?>(nil)
        let serving = Task {
            try await PipeServer.serve(at: address) { _, event in
                guard case .listening = event else { return }
                peer.withLock { $0 = try? ForeignPeer("authkey_peer.py", ["client", "\(address)", itsKey]) }
            } handler: { connection in
                do {
                    try await connection.authenticate(as: .listener, key: Array("a secret".utf8), digest: .md5)
                    for try await message in connection.messages {
                        try await connection.send(message.withBytes { [UInt8](copying: $0) + [UInt8](copying: $0) })
                    }
                } catch let found as AuthkeyError {
                    errors.withLock { $0.append(found) }
                }
            }
        }
        while !(peer.withLock { $0?.hasExited } ?? false) { await Task.yield() }
        serving.cancel()
        _ = await serving.result
        let isRight = itsKey == "a secret"
        #expect(errors.withLock { $0 } == (isRight ? [] : [.wrongKey]))
        peer.withLock { $0?.expectSuccess(printing: isRight ? "ok" : "digest sent was rejected") }
    }
}
#endif
