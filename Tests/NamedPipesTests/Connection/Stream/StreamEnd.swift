// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
@testable import NamedPipesTesting
import PipeReactor
import PipeTestSupport
import Testing

/// The kinds of a ``ByteStream``.
enum StreamKind: CaseIterable {
    case socket, guardedSocket, pipes, fifos, socketPairs, memory

    /// Those whose both directions end together.
    static let whole: [StreamKind] = [.socket, .guardedSocket, .memory]

    /// Those of two descriptors.
    static let pairs: [StreamKind] = [.pipes, .fifos, .socketPairs]
}

/// A stream and its events: the part of a connection that a stream needs.
final class StreamEnd: ByteStreamHandler {
    static let peer = PeerCredentials(userID: 7, groupID: 8, processID: 9)

    private let reactor: Reactor
    var stream: ByteStream
    var heard: [Readiness] = []
    private(set) var awaitsInput = false
    private(set) var awaitsOutput = false
    private(set) var awaitsHangUp = false

    init(_ stream: consuming ByteStream, _ reactor: Reactor) {
        self.reactor = reactor
        self.stream = stream
        self.stream.attach(to: self, reactor)
    }

    func handle(_ readiness: Readiness) {
        heard.append(readiness)
        if readiness.has(.writable) { awaitsOutput = false }
    }

    func watchInput() throws {
        awaitsInput = true
        try stream.watchInput()
    }

    func unwatchInput() {
        awaitsInput = false
        stream.unwatchInput()
    }

    func awaitRoom() throws {
        awaitsOutput = true
        try stream.awaitRoom(isBehindEnd: false, self, reactor)
    }

    func awaitHangUp() throws {
        awaitsHangUp = true
        try stream.awaitHangUp(self, reactor)
    }

    /// The outcome of a read.
    enum Found: Equatable {
        case nothing, end
        case text(String)
    }

    func read() throws(SystemError) -> Found {
        try unsafe withUnsafeTemporaryAllocation(byteCount: 1 << 20, alignment: 1) { space throws(SystemError) in
            switch try unsafe stream.receive(into: space, .empty, .empty) {
            case .wouldBlock: .nothing
            case .end: .end
            case .content(let count): unsafe .text(String(decoding: space[..<count], as: UTF8.self))
            }
        }
    }

    /// The outcome of the first read that finds something, which has to come.
    ///
    /// The other end is closed once no copy of its descriptor is left. A child that another test is about to start has
    /// one until it executes its program.
    func readAtLast() throws(SystemError) -> Found {
        var outcome = Result<Found, SystemError>.success(.nothing)
        wait {
            do throws(SystemError) { outcome = .success(try read()) } catch { outcome = .failure(error) }
            return outcome != .success(.nothing)
        }
        return try outcome.get()
    }

    /// How the peer went away, which it has to do; see ``readAtLast()``.
    func hangUpAtLast() throws(SystemError) -> PeerHangUp? {
        var outcome = Result<PeerHangUp?, SystemError>.success(nil)
        wait {
            do throws(SystemError) { outcome = .success(try hangUp()) } catch { outcome = .failure(error) }
            return outcome != .success(nil)
        }
        return try outcome.get()
    }

    /// Turns the loop until the condition holds, for as long as a test is patient.
    @discardableResult
    func wait(until condition: () -> Bool) -> Bool {
        let ticks = reactor.schedule(after: .zero, repeating: .milliseconds(1)) {}
        defer { ticks.cancel() }
        return reactor.run(timeout: Loop.patience, until: condition)
    }

    /// One read into several spaces; then the contents of each.
    func readSpread(over spaceCount: Int, ofByteCount byteCount: Int) throws -> [String] {
        try unsafe withUnsafeTemporaryAllocation(byteCount: spaceCount * byteCount, alignment: 1) { space in
            let spaces = unsafe (0..<spaceCount).map {
                unsafe UnsafeMutableRawBufferPointer(rebasing: space[($0 * byteCount)...].prefix(byteCount))
            }
            var rest = try unsafe stream.receive(into: spaces[0], spaces[1], spaces[2]).byteCount
            return unsafe spaces.map { space in
                let count = min(rest, byteCount)
                rest -= count
                return unsafe String(decoding: space[..<count], as: UTF8.self)
            }
        }
    }

    // For #expect, which does not take values that cannot be copied.
    func hangUp() throws(SystemError) -> PeerHangUp? { try stream.hangUp() }
    func peerGroups() throws(SystemError) -> [UInt32] { try stream.peerGroups() }
    func peerProcess() throws(SystemError) { _ = try stream.peerProcess() }

    func write(_ text: String) throws(SystemError) -> Int? {
        let array = Array(text.utf8)
        let bytes = array.span
        return try unsafe bytes.withUnsafeBytes { bytes throws(SystemError) in try unsafe stream.send(bytes) }
    }
}

extension UnsafeMutableRawBufferPointer {
    static var empty: Self { unsafe Self(start: nil, count: 0) }
}

/// Runs a test with both ends of one stream, and with a function that lets everything under way arrive.
func withStreams(_ kind: StreamKind, _ body: (StreamEnd, StreamEnd, () -> Void) throws -> Void) throws {
    try withLoop { loop in
        let (near, far) = try ends(kind, loop.reactor)
        defer {
            near.stream.close()
            far.stream.close()
        }
        try body(near, far) { for _ in 0..<3 { loop.turn() } }
    }
}

private func ends(_ kind: StreamKind, _ reactor: Reactor) throws -> (StreamEnd, StreamEnd) {
    if kind == .memory {
        let link = MemoryLink(reactor, .none, seed: 1)
        let ends = link.ends.map { StreamEnd(ByteStream($0, StreamEnd.peer), reactor) }
        return (ends[0], ends[1])
    }
    if StreamKind.pairs.contains(kind) {
        let (there, back) = (try Channel(kind), try Channel(kind))
        let near = try pair(reading: back.output, writing: there.input)
        let far = try pair(reading: there.output, writing: back.input)
        return (StreamEnd(near, reactor), StreamEnd(far, reactor))
    }
    let (one, other) = try RawPeer.pair()
    let isGuarded = kind == .guardedSocket
    let near = ByteStream(
        OwnedDescriptor(taking: try duplicate(one.descriptor), mayHoldDescriptors: isGuarded), StreamEnd.peer)
    let far = ByteStream(OwnedDescriptor(taking: try duplicate(other.descriptor)), StreamEnd.peer)
    return (StreamEnd(near, reactor), StreamEnd(far, reactor))
}

private func pair(reading input: Int32, writing output: Int32) throws -> ByteStream {
    let descriptors = try TwoDescriptors(
        reading: OwnedDescriptor(taking: input), writing: OwnedDescriptor(taking: output))
    return ByteStream(DescriptorPair(descriptors, namesPeer: false), StreamEnd.peer)
}

func duplicate(_ descriptor: Int32) throws(SystemError) -> Int32 {
    try systemCall("fcntl") { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }
}
