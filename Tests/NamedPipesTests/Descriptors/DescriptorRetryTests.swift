// SPDX-License-Identifier: Apache-2.0
import Glibc
@testable import NamedPipes
import PipeTestSupport
import Testing

/// The kernel refuses descriptors while too many of a user are on their way. Here a filter of system calls does, so
/// each test has a process of its own, and the time between the attempts is virtual.
@Suite struct `Descriptors for which the kernel has no room` {
    @Test func `are tried again for ten seconds, then end the connection, typed`() async {
        await #expect(processExitsWith: .success) { try giveUpAfterTenSeconds() }
    }

    @Test func `end with a connection that is closed meanwhile, and are tried no more`() async {
        await #expect(processExitsWith: .success) { try closeMeanwhile() }
    }

    @Test func `keep the messages behind them waiting, within the limits of the queue`() async {
        await #expect(processExitsWith: .success) { try queueBehind() }
    }
}

/// A client whose message with a descriptor the kernel does not take.
private func refusedPair(
    _ loop: Loop, _ change: (inout PipeConnection.Configuration) -> Void = { _ in }
) throws -> (pair: Pair, file: NamelessFile) {
    var server = PipeServer.Configuration(framing: DescriptorFraming())
    server.connection.descriptors = .accepted()
    change(&server.connection)
    let pair = try Pair(loop, server: server, client: PipeClient.Configuration(framing: DescriptorFraming()))
    let file = try NamelessFile("file")
    try #require(SystemCallFilter.fail(.write, with: ETOOMANYREFS))
    try send("refused", [file.descriptor], on: pair.accepted)
    loop.reactor.settle()
    return (pair, file)
}

private func giveUpAfterTenSeconds() throws {
    try withLoop(in: VirtualTime()) { loop in
        let (pair, file) = try refusedPair(loop)
        loop.reactor.advance(by: .seconds(9))
        #expect(pair.atServer.reasons.isEmpty)
        #expect(try pair.accepted.pendingMessageCount == 1)
        loop.reactor.advance(by: .seconds(2))
        #expect(pair.atServer.reasons == [.descriptors(.tooManyOnTheirWay)])
        #expect(pair.server.statistics.unsentMessageCount == 1)
        withExtendedLifetime(file) {}
    }
}

private func closeMeanwhile() throws {
    try withLoop(in: VirtualTime()) { loop in
        let (pair, file) = try refusedPair(loop) { $0.closeTimeout = .seconds(2) }
        loop.reactor.advance(by: .seconds(1))
        try pair.accepted.close()
        loop.reactor.advance(by: .seconds(1))
        #expect(pair.atServer.reasons.isEmpty)
        loop.reactor.advance(by: .seconds(1))
        #expect(pair.atServer.reasons == [.slowReader])
        loop.reactor.settle()
        #expect(loop.reactor.advance(by: .seconds(20)))
        withExtendedLifetime(file) {}
    }
}

private func queueBehind() throws {
    try withLoop(in: VirtualTime()) { loop in
        let (pair, file) = try refusedPair(loop) {
            $0.sendQueueLimit = 300_000
            $0.writeStallDeadline = .seconds(1)
        }
        let connection = try pair.accepted
        var refusal: PipeError?
        for count in 0..<40 where refusal == nil {
            do throws(PipeError) {
                if count % 2 == 0 { try connection.send(letters(10_000)) }
                var outgoing = OutgoingDescriptors()
                try outgoing.append(duplicating: file.descriptor)
                try connection.send(letters(9_000), descriptors: &outgoing)
            } catch {
                refusal = error
            }
            loop.reactor.advance(by: .milliseconds(50))
        }
        #expect(refusal == .sendQueueFull(limit: 300_000))
        #expect(connection.isOpen && connection.pendingByteCount <= 300_000)
        loop.reactor.advance(by: .seconds(12))
        #expect(pair.atServer.reasons == [.descriptors(.tooManyOnTheirWay)])
        #expect(pair.server.statistics.queuedByteCount == 0)
    }
}
