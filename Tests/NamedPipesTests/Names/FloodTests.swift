// SPDX-License-Identifier: Apache-2.0
import Glibc
import PipeTestSupport
import Testing

@testable import NamedPipes

// HOSTILE 71. A process that has opened the socket file with O_PATH connects to the socket, whatever its name has
// become.

@Suite struct `71 · a process that keeps the socket file open` {
    private let scratch = Scratch()

    private func configuration(acceptsPerTurn: Int = 4) -> PipeServer.Configuration {
        var configuration = PipeServer.Configuration()
        configuration.acceptsPerTurn = acceptsPerTurn
        configuration.handOverGrace = .milliseconds(100)
        configuration.nameLoss = .republish
        return configuration
    }

    /// The socket behind a file, by a way that no other process can take away.
    private final class KeptFile {
        let descriptor: Int32
        let address: PipeAddress

        init(_ path: String) throws {
            descriptor = unsafe open(path, O_PATH_ | O_CLOEXEC)
            address = try .path("/proc/self/fd/\(descriptor)")
        }

        deinit { close(descriptor) }
    }

    /// The largest number of clients that were accepted between two turns of the loop.
    private final class Pace {
        private(set) var worst = 0
        private var last = 0

        func turn(_ recorder: Recorder) -> Bool {
            worst = max(worst, recorder.peers.count - last)
            last = recorder.peers.count
            return false
        }
    }

    @Test func `and connects without end during a hand-over does not hold the predecessor's loop, nor keep it alive`()
        throws
    {
        try withLoop { loop in
            let address = try scratch.address()
            let (_, recorder) = try loop.server(configuration(), at: address)
            loop.settle()
            let kept = try KeptFile(scratch.path("pipe"))
            let flood = Hammer(kept.address, threads: 2, wantsAnswers: false)
            let start = Start { try NeighbourServer.successor(at: address) }
            let pace = Pace()
            #expect(loop.poll { pace.turn(recorder) || start.hasEnded && !recorder.losses.isEmpty })
            let successor = try start.get()
            #expect(loop.run { pace.turn(recorder) || recorder.stopCount == 1 })
            #expect(pace.worst <= 4)
            let failures = flood.stop()
            #expect(Set(failures.keys).isSubset(of: [ECONNREFUSED]), "the socket takes no connects any more")
            #expect(recorder.losses == [.takenOver(processID: getpid())])
            withExtendedLifetime((successor, kept)) {}
        }
    }

    @Test func `has its clients accepted in turns when the name is published again`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server(configuration(), at: scratch.address())
            loop.settle()
            let kept = try KeptFile(scratch.path("pipe"))
            let waiting = try (0..<40).map { _ in try RawPeer(connectingTo: kept.address) }
            #expect(unsafe unlink(scratch.path("pipe")) == 0)
            let pace = Pace()
            #expect(loop.run { pace.turn(recorder) || recorder.openCount == 40 && recorder.regainCount == 1 })
            #expect(pace.worst <= 8, "four of each socket")
            // The old socket is closed when the last of them is accepted.
            #expect(loop.poll { connecting(to: kept.address) == ECONNREFUSED })
            #expect(loop.poll { server.nameState.leftOver.isEmpty } && server.isPublished)
            #expect(connecting(to: try scratch.address()) == 0)
            withExtendedLifetime(waiting) {}
        }
    }

    @Test func `and whose server is stopped meanwhile ends with everything of the server`() throws {
        try withLoop { loop in
            let (server, recorder) = try loop.server(configuration(acceptsPerTurn: 1), at: scratch.address())
            loop.settle()
            let kept = try KeptFile(scratch.path("pipe"))
            let waiting = try (0..<40).map { _ in try RawPeer(connectingTo: kept.address) }
            #expect(unsafe unlink(scratch.path("pipe")) == 0)
            #expect(loop.run { recorder.regainCount == 1 })
            #expect(!server.nameState.leftOver.isEmpty)
            server.stop()
            #expect(loop.run { recorder.stopCount == 1 })
            #expect(connecting(to: kept.address) == ECONNREFUSED)
            withExtendedLifetime(waiting) {}
        }
    }

    @Test func `does not outlast the grace, even if its clients cannot be accepted`() throws {
        try withLoop { loop in
            let address = try scratch.address()
            let (server, recorder) = try loop.server(configuration(), at: address)
            loop.settle()
            let kept = try KeptFile(scratch.path("pipe"))
            let start = Start { try NeighbourServer.successor(at: address) }
            #expect(loop.poll { start.hasEnded && !recorder.losses.isEmpty })
            let successor = try start.get()
            // Each returns at once, so that the queue is never seen empty.
            recorder.whenAsked = { _, _ in
                _ = connecting(to: kept.address)
                return true
            }
            let peer = try RawPeer(connectingTo: kept.address)
            #expect(loop.run { recorder.stopCount == 1 })
            #expect(!server.isListening)
            withExtendedLifetime((successor, peer)) {}
        }
    }
}

// Hidden without _GNU_SOURCE.
private let O_PATH_: Int32 = 0o10000000
