// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport

@testable import NamedPipes

/// One read after another, carried out on plain numbers: frames of any sizes, mostly in runs of one size, a framing
/// that knows a frame's size or does not, and a kernel that has as much as it likes.
struct ReadWorld {
    private var random: Seeded
    private let space: Int
    private let knowsSizes: Bool

    // The frame that is arriving, and how much of it has. Room is what its own memory has free.
    private var frame: Int
    private var carried = 0
    private var room = 0

    private init(_ seed: UInt64) {
        random = Seeded(seed)
        space = random.pick([1, 64, 1000])
        knowsSizes = !random.isOne(of: 4)
        frame = random.number(1...3000)
    }

    static func run(_ seed: UInt64) -> [String] {
        var world = ReadWorld(seed)
        return (0..<world.random.number(1...60)).compactMap { step in world.read().map { "step \(step): \($0)" } }
    }

    private mutating func nextFrame() -> Int { random.isOne(of: 3) ? random.number(1...3000) : frame }

    private mutating func plan() -> ReadPlan {
        let size = knowsSizes ? frame : nil
        if carried == 0 { return ReadPlan(sharing: space) }
        if ReadPlan.copies(carried, of: size, space: space) { return ReadPlan(sharing: space, behind: carried) }
        if room == 0 { room = random.number(1...4000) }
        let missing = size.map { $0 - carried }
        let isPredicting = ReadPlan.mayComplete(missing: missing, room: room) && random.isOne(of: 2)
        return ReadPlan(completing: missing, of: size, room: room, space: space, isPredicting: isPredicting)
    }

    private mutating func read() -> String? {
        let plan = plan()
        guard plan.byteCount > 0 else { return "a read of nothing" }
        let arrival = plan.arrival(of: random.pick([1, plan.byteCount, random.number(1...plan.byteCount)]))
        if plan.copiedByteCount != 0, plan.copiedByteCount != carried { return "a part of the beginning is copied" }
        if plan.copiedByteCount + plan.sharedByteCount > space { return "the receive buffer is exceeded" }
        if let problem = problem(of: plan, arrival) { return problem }

        var arrived = carried + arrival.ownByteCount + arrival.sharedByteCount + arrival.predictedByteCount
        room = max(0, room - arrival.ownByteCount)
        while arrived >= frame {
            arrived -= frame
            frame = nextFrame()
            room = 0
        }
        carried = arrived
        return nil
    }

    /// The places of a frame that is read into memory of its own.
    private func problem(of plan: ReadPlan, _ arrival: ReadPlan.Arrival) -> String? {
        guard plan.ownByteCount > 0 else { return arrival.mayCompleteFrame ? "nothing was to be completed" : nil }
        if plan.ownByteCount > room { return "more is read than there is room for" }
        let isBehindFrame = arrival.sharedByteCount + arrival.predictedByteCount > 0
        guard knowsSizes else {
            if isBehindFrame { return "bytes of a frame of unknown size are elsewhere" }
            return arrival.mayCompleteFrame ? nil : "a frame of unknown size may be whole by any byte"
        }
        let missing = frame - carried
        if arrival.ownByteCount > missing { return "the frame's memory has bytes of the next one" }
        if arrival.mayCompleteFrame != (arrival.ownByteCount == missing) { return "the end of the frame is missed" }
        if isBehindFrame, !arrival.mayCompleteFrame { return "bytes of the frame are elsewhere" }
        if plan.predictedByteCount > 0, plan.sharedByteCount % frame != 0 { return "a predicted frame is cut" }
        return plan.predictedByteCount <= max(frame, space) ? nil : "more is predicted than a frame"
    }
}
