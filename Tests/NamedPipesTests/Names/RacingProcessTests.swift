// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import NamedPipes

/// Starts at the same time in several processes. The full count: NAMED_PIPES_RACING_ROUNDS=1250, 10,000 starts.
@Suite struct `Racing processes` {
    private let scratch = Scratch()

    @Test func `9 · have exactly one owner in each round of 8, typed losers, and leave nothing`() throws {
        let rounds = unsafe getenv("NAMED_PIPES_RACING_ROUNDS").flatMap { unsafe Int(String(cString: $0)) } ?? 150
        let address = try scratch.address()
        let racers = try (0..<8).map { _ in try Racer(scratch.path("pipe")) }
        var ownerCounts: [Int: Int] = [:]
        for round in 0..<rounds {
            // In every other round, over the remains of a crash.
            if round % 2 == 1 { leaveStaleSocket(at: address) }
            for racer in racers { racer.tell() }
            let answers = racers.map { $0.answer() }
            #expect(answers.allSatisfy { $0 == "0" || $0 == "1" }, "\(answers)")
            ownerCounts[answers.count { $0 == "1" }, default: 0] += 1
            #expect(connecting(to: address) == 0)
            for racer in racers { racer.tell() }
            for racer in racers { #expect(racer.answer() == ".") }
            #expect(scratch.names == [".pipe.lock"])
        }
        #expect(ownerCounts == [1: rounds])
        print("9 · owners at once in \(rounds * 8) racing starts of 8 processes: \(ownerCounts)")
    }

    @Test func `7 · a name is served again after kill -9 without a wait`() async {
        await #expect(processExitsWith: .success) { try serveAgainAfterKill() }
    }
}

private func serveAgainAfterKill() throws {
    let scratch = Scratch()
    let address = try scratch.address()
    for _ in 0..<10 {
        let racer = try Racer(scratch.path("pipe"))
        racer.tell()
        #expect(racer.answer() == "1")
        racer.kill()
        #expect(connecting(to: address) == ECONNREFUSED)
        publishWithoutWait(address)
    }
}

/// A process of Tests/Programs/NameRacer, which is built beside this one.
private final class Racer {
    private let child: Child
    private let descriptor: Int32
    private var isOver = false

    init(_ path: String) throws {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        try #require(unsafe socketpair(AF_UNIX, type, 0, &ends) == 0)
        descriptor = ends[0]
        child = Child([siblingProgram("NameRacer"), path], stream: ends[1])
        close(ends[1])
    }

    func tell() {
        var byte: UInt8 = 0
        #expect(unsafe send(descriptor, &byte, 1, Int32(MSG_NOSIGNAL)) == 1)
    }

    func answer() -> Character? {
        var byte: UInt8 = 0
        return unsafe recv(descriptor, &byte, 1, 0) == 1 ? Character(UnicodeScalar(byte)) : nil
    }

    /// kill -9. When this returns, the process is gone.
    func kill() {
        _ = Glibc.kill(child.process, SIGKILL)
        child.wait()
        isOver = true
    }

    deinit {
        // It ends at the end of its input.
        close(descriptor)
        if !isOver { child.wait() }
    }
}
