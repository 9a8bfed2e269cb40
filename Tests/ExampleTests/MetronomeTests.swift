// SPDX-License-Identifier: Apache-2.0
import Foundation
import NamedPipes
import Testing

struct MetronomeTests {
    private let stage: Stage
    private let metronome: Example

    init() throws {
        stage = try Stage()
        metronome = try stage.start("Metronome", ["2000"])
    }

    private var reactor: Reactor { stage.reactor }
    private var address: PipeAddress { stage.address }

    @Test func `every client hears the same beats, none left out`() throws {
        let first = try Visitor(to: address, on: reactor)
        let second = try Visitor(to: address, on: reactor)
        let heardFirst = try first.messages(100).prefix(100)
        let heardSecond = try second.messages(100).prefix(100)
        for heard in [heardFirst, heardSecond] {
            let numbers = heard.compactMap { Int($0.dropFirst("beat ".count)) }
            let start = try #require(numbers.first)
            #expect(numbers == Array(start..<start + 100))
        }
    }

    @Test func `a client that does not listen misses beats, and the program says how many`() throws {
        let listening = try Visitor(to: address, on: reactor)
        let asleep = try Visitor(to: address, on: reactor)
        asleep.connection?.pauseReceiving()
        // Far more than the kernel and the queue hold for the client that is asleep.
        _ = try listening.messages(2000)
        #expect(asleep.messages.count < 2000)
        asleep.connection?.abort()
        let isReported = reactor.run(timeout: .seconds(30)) { !missedCounts.isEmpty }
        try #require(isReported)
        #expect(missedCounts[0] > 0)
        listening.connection?.abort()
        metronome.signal(SIGTERM)
        #expect(try metronome.exitStatus() == 0)
    }

    /// From the lines that the program prints when a client leaves.
    private var missedCounts: [Int] {
        metronome.lines.filter { $0.hasSuffix(" beats missed") }.compactMap { line in
            line.split(separator: " ").dropLast(2).last.flatMap { Int($0) }
        }
    }
}
