// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipesProgram

/// CPU time that each message costs, as with a server that parses, compresses or computes.
struct WorkOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The CPU time that each message costs before it is sent back, such as 100us, on the thread that serves it. (default: 0)",
            valueName: "time"))
    var work: TimeLimit?

    /// The work for one message, to be asked for once: reading an option takes 500 instructions.
    var perMessage: Work { Work(nanoseconds: work?.duration.map { Int($0 / .nanoseconds(1)) } ?? 0) }
}

/// The work that one message costs.
struct Work: Sendable {
    /// CPU time, in nanoseconds; 0 is none.
    let nanoseconds: Int

    /// Uses up the time. Time during which the thread waits for a processor is no work.
    func perform() {
        guard nanoseconds > 0 else { return }
        let end = MonotonicTime.threadNanoseconds + nanoseconds
        // Rarely enough that it is the work that costs the time, and often enough to end within a microsecond.
        repeat { Self.compute() } while MonotonicTime.threadNanoseconds < end
    }

    /// A few hundred nanoseconds that the compiler cannot leave out.
    @inline(never)
    private static func compute() {
        var value: UInt64 = 1
        for _ in 0..<128 { value = value &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407 }
        withExtendedLifetime(value) {}
    }
}
