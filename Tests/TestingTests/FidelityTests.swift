// SPDX-License-Identifier: Apache-2.0
import NamedPipesTesting
import Testing

/// Memory behaves like a socket: the same scripts cause the same events.
struct FidelityTests {
    private static let large = [UInt8](repeating: 3, count: 500_000)

    private static let scripts: [(name: String, steps: [PeerScript.Step], end: DisconnectReason)] = [
        ("finish", [.send("a"), .expect("a"), .finish, .expectEnd], .closedByPeer),
        ("close", [.send("a"), .send("b"), .close], .closedByPeer),
        ("nothing", [.close], .closedByPeer),
        (
            "pieces", [.sendBytes([0, 0, 0, 1, 65, 0, 0, 0, 0], pieceSize: 2), .expect("A"), .expect(""), .close],
            .closedByPeer
        ),
        ("half a message", [.sendBytes([0, 0, 0, 9, 65]), .close], .truncatedByPeer(missingByteCount: 8)),
        ("half a header", [.sendBytes([0, 0]), .finish, .expectEnd], .truncatedByPeer(missingByteCount: nil)),
        (
            "garbage", [.send("a"), .expect("a"), .sendBytes([127, 255, 255, 255]), .expectEnd],
            .framing(.messageTooLarge(byteCount: 0x7FFF_FFFF, limit: 16 << 20))
        ),
        ("reset", [.send("a"), .reset(after: .milliseconds(50))], .resetByPeer),
        ("large", [.send(large), .send(large), .expect(large), .expect(large), .finish, .expectEnd], .closedByPeer),
        ("slow", [.send(large), .pause(.milliseconds(50)), .expect(large), .finish, .expectEnd], .closedByPeer),
        ("last words", [.send("a"), .finish, .expect("a"), .expect("farewell"), .expectEnd], .closedByPeer),
    ]

    /// Echoes, and sends a last message.
    private final class Polite: PipeServerDelegate {
        private let saysFarewell: Bool

        init(saysFarewell: Bool) { self.saysFarewell = saysFarewell }

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
            _ = try? connection.send(message)
        }

        func connectionDidFinishReceiving(_ connection: PipeConnection) {
            if saysFarewell { _ = try? connection.send("farewell") }
            connection.close()
        }
    }

    @Test(arguments: scripts.indices) func `a script sees and causes the same in memory and over a socket`(
        index: Int
    ) throws {
        let (name, steps, end) = Self.scripts[index]
        let script = PeerScript(steps)

        let inMemory = RecordingDelegate(forwardingTo: Polite(saysFarewell: name == "last words"))
        let network = try MemoryNetwork()
        try network.makeServer(at: "polite", delegate: inMemory)
        try network.run(script, against: "polite")

        let overSocket = RecordingDelegate(forwardingTo: Polite(saysFarewell: name == "last words"))
        let reactor = try Reactor()
        let address = try PipeAddress.unique(prefix: "fidelity")
        let server = try PipeServer(listeningOn: address, reactor: reactor, delegate: overSocket)
        try script.run(connectingTo: address, on: reactor)
        reactor.run(timeout: .seconds(10)) { server.connectionCount == 0 }

        let events = inMemory.events(of: try #require(inMemory.connectionIDs.first))
        #expect(events == overSocket.events(of: try #require(overSocket.connectionIDs.first)), "\(name)")
        #expect(events.last == .closed(end), "\(name)")
        reactor.stop()
        reactor.run()
    }
}
