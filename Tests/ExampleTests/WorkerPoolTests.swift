// SPDX-License-Identifier: Apache-2.0
import Foundation
import NamedPipes
import Testing

struct WorkerPoolTests {
    private let stage: Stage
    private let master: Example

    init() throws {
        stage = try Stage()
        master = try stage.start("WorkerPool", ["2"])
        try master.waitForLine("worker 1 is process ")
        try master.waitForLine("worker 2 is process ")
    }

    /// Sends a message, and returns the process that has answered it.
    private func processID(answering client: Visitor) throws -> Int32 {
        let count = client.messages.count
        try client.send("hello \(count)")
        let answer = try client.messages(count + 1)[count].split(separator: ": ")
        #expect(answer.last == "hello \(count)")
        return try #require(answer.first.flatMap { Int32($0) })
    }

    private func clients(_ count: Int) throws -> [Visitor] {
        try (0..<count).map { _ in try Visitor(to: stage.address, on: stage.reactor) }
    }

    @Test func `the workers serve the clients in turn, each in a process of its own`() throws {
        let clients = try clients(6)
        let served = try clients.map(processID(answering:))
        #expect(Set(served).count == 2 && served[0] == served[2] && served[1] == served[3])
        #expect(try clients.map(processID(answering:)) == served)
        for client in clients { client.connection?.abort() }
        master.signal(SIGTERM)
        #expect(try master.exitStatus() == 0)
    }

    @Test func `a worker that is killed takes its own clients along, and another process takes its place`() throws {
        let old = try clients(4)
        let served = try old.map(processID(answering:))
        kill(served[0], SIGKILL)
        for (client, worker) in zip(old, served) where worker == served[0] { _ = try client.reasonOfEnd() }
        for (client, worker) in zip(old, served) where worker != served[0] {
            #expect(try processID(answering: client) == worker)
        }
        let hasFollower = stage.reactor.run(timeout: .seconds(120)) {
            master.lines.count { $0.contains(" is process ") } == 3
        }
        try #require(hasFollower, "\(master.lines)")
        let new = try clients(4)
        let newlyServed = try Set(new.map(processID(answering:)))
        #expect(newlyServed.count == 2 && !newlyServed.contains(served[0]) && newlyServed.contains(served[1]))
        #expect(master.lines.contains { $0.contains("signal 9") }, "\(master.lines)")
    }
}
