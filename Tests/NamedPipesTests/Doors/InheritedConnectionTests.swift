// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeTestSupport
import Testing

/// The environment is that of the whole process, so each test has one for itself.
@Suite struct `A connection that a service manager accepted` {
    @Test func `is served with the identity of its peer, and leaves no variable behind`() async {
        await #expect(processExitsWith: .success) { try serveLocal() }
    }

    @Test func `may be one of TCP, whose peer is admitted by a policy for any user alone`() async {
        await #expect(processExitsWith: .success) { try serveTCP() }
    }

    @Test func `is not taken if it is announced to another process, or together with others`() async {
        await #expect(processExitsWith: .success) { try ignoreForeign() }
    }
}

/// The variables of a unit with `Accept=yes` (systemd.socket(5)).
private func announce(_ count: Int = 1, to processID: Int32 = getpid()) {
    for (name, value) in [
        ("LISTEN_FDS", "\(count)"), ("LISTEN_PID", "\(processID)"), ("LISTEN_FDNAMES", "connection"),
    ] { unsafe setenv(name, value, 1) }
}

private var announcement: [String] {
    ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"].filter { unsafe getenv($0) != nil }
}

/// A server without a name that admits these peers.
private func adopting(_ loop: Loop, _ policy: AccessPolicy) throws -> (PipeServer, Recorder) {
    var configuration = PipeServer.Configuration()
    configuration.accessPolicy = policy
    let recorder = loop.recorder()
    recorder.whenReceived = { connection, message in _ = try? connection.send(message) }
    let server = PipeServer(
        adoptingFor: try .abstract("nobody-connects-here"), configuration: configuration, reactor: loop.reactor,
        delegate: recorder)
    return (server, recorder)
}

private func serveLocal() throws {
    try withLoop { loop in
        let (one, peer) = try RawPeer.pair()
        announce()
        guard let accepted = try AcceptedConnection.inherited(announcedAt: try duplicate(one.descriptor)) else {
            throw PipeError.notConnected(.notBegun)
        }
        one.close()
        let processID = accepted.peer.processID
        try #require(processID == getpid())
        try #require(announcement.isEmpty)
        let (server, _) = try adopting(loop, .ownUser)
        server.adopt(accepted)
        try requireEcho(peer, loop)
    }
}

private func requireEcho(_ peer: RawPeer, _ loop: Loop) throws {
    peer.writeAll(frame("hello"))
    try #require(
        loop.poll {
            peer.readAll()
            return peer.texts == ["hello"]
        })
}

private func serveTCP() throws {
    try withLoop { loop in
        let (one, other) = try tcpPair()
        let peer = RawPeer(taking: other)
        announce()
        guard let accepted = try AcceptedConnection.inherited(announcedAt: try duplicate(one)) else {
            throw PipeError.notConnected(.notBegun)
        }
        let isKnown = accepted.peer.isKnown
        try #require(!isKnown && announcement.isEmpty)
        let (server, _) = try adopting(loop, .anyUser)
        server.adopt(accepted)
        try requireEcho(peer, loop)
        announce()
        guard let again = try AcceptedConnection.inherited(announcedAt: one) else {
            throw PipeError.notConnected(.notBegun)
        }
        let (strict, recorder) = try adopting(loop, .ownUserOrRoot)
        strict.adopt(again)
        try #require(loop.run { recorder.refusals.map(\.refusal) == [.policy] })
    }
}

private func ignoreForeign() throws {
    let (one, other) = try RawPeer.pair()
    // Standard input would be the next to be looked at.
    let nothing = unsafe open("/dev/null", O_RDWR)
    dup2(nothing, 0)
    for announces in [{ announce(1, to: 1) }, { announce(2) }, { announce(0) }] {
        announces()
        let found = try AcceptedConnection.inherited(announcedAt: one.descriptor) != nil
        try #require(!found && announcement.count == 3)
    }
    withExtendedLifetime(other) {}
}
