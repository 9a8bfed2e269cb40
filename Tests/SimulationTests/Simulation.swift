// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport

/// One seed in each of the small worlds, and what was wrong there.
///
/// A world is a part of the library, a scheduler that makes everything happen to it that may happen, in any legal
/// order, and a model that is simple enough to be obviously right. Everything random comes from the seed, so a seed
/// that fails once fails again.
enum Simulation {
    typealias World = (name: String, run: @Sendable (UInt64) throws -> [String])

    static let worlds: [World] = [
        ("lifecycle", { LifecycleWorld.run($0) }),
        ("connect attempt", { try AttemptWorld.run($0) }),
        ("client", { try ClientWorld.run($0) }),
        ("budget", { BudgetWorld.run($0) }),
        ("door", { DoorWorld.run($0) }),
        ("admission", { AdmissionWorld.run($0) }),
        ("read", { ReadWorld.run($0) }),
        ("stream", { try StreamWorld.run($0) }),
        ("connections", { try ConnectionWorld.run($0) }),
        ("tasks", { try AsyncWorld.run($0) }),
    ]

    private static func problems(of seed: UInt64, in worlds: [World]) -> [String] {
        worlds.flatMap { world in
            do {
                return try world.run(seed).map { "seed \(seed), \(world.name): \($0)" }
            } catch {
                return ["seed \(seed), \(world.name): \(error)"]
            }
        }
    }

    /// Runs seeds; each problem names its seed and world. Stops after a few, because the first is the one to look at.
    static func problems(of seeds: some Sequence<UInt64>, in worlds: [World] = worlds) -> [String] {
        var found: [String] = []
        for seed in seeds {
            found += problems(of: seed, in: worlds)
            if found.count >= 10 { break }
        }
        return found
    }
}

/// Made once, because it would take most of a seed's time otherwise.
private let alphabet = letters(244_093)

extension Seeded {
    /// True once in `count` times.
    mutating func isOne(of count: Int) -> Bool { number(1...count) == 1 }

    /// Letters, mostly few; now and then enough for the paths of large messages.
    mutating func message() -> [UInt8] {
        let limit = pick([0, 8, 8, 100, 100, 100, 3000, 3000, 20_000])
        return message(of: isOne(of: 60) ? number(30_000...90_000) : number(0...limit))
    }

    /// - Parameter size: 240,000 bytes at most.
    mutating func message(of size: Int) -> [UInt8] {
        let start = number(0...4093)
        return Array(alphabet[start..<start + size])
    }
}

extension MessageFraming {
    /// One message's frame, for the model.
    func encoded(_ message: Span<UInt8>) throws -> [UInt8] {
        var frame = FrameBuffer()
        try encode(message, into: &frame)
        return Array(lent: frame.span)
    }
}
