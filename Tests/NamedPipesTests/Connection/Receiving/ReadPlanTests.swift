// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import NamedPipes

@Suite struct `The plan of a read` {
    private static let space = 1000

    @Test func `is the receive buffer where nothing is carried`() {
        let plan = ReadPlan(sharing: Self.space)
        #expect(plan.byteCount == Self.space)
        #expect(plan.sharedByteCount == Self.space)
        let arrival = plan.arrival(of: 7)
        #expect(arrival.sharedByteCount == 7)
        #expect(!arrival.isFull && !arrival.mayCompleteFrame)
        #expect(plan.arrival(of: Self.space).isFull)
    }

    @Test func `puts a small beginning in front of what arrives`() {
        let plan = ReadPlan(sharing: Self.space, behind: 3)
        #expect(plan.copiedByteCount == 3)
        #expect(plan.byteCount == Self.space - 3)
        #expect(plan.arrival(of: Self.space - 3).isFull)
    }

    @Test(
        arguments: [
            (1, nil, true), (1, 1000, true), (1, 1001, false), (999, nil, true), (1000, nil, false),
            (1000, 1000, false),
        ] as [(Int, Int?, Bool)])
    func `copies a beginning only if its frame fits into the receive buffer`(carried: Int, frame: Int?, copies: Bool) {
        #expect(ReadPlan.copies(carried, of: frame, space: Self.space) == copies)
    }

    @Test func `copies no more than it says`() {
        let most = ReactorBuffers.copiedByteCount
        #expect(ReadPlan.copies(most, of: nil, space: 1 << 20))
        #expect(!ReadPlan.copies(most + 1, of: nil, space: 1 << 20))
    }

    @Test func `fills the room behind a frame that this read cannot end`() {
        let plan = ReadPlan(completing: 500, of: 600, room: 499, space: Self.space, isPredicting: false)
        #expect((plan.ownByteCount, plan.sharedByteCount, plan.predictedByteCount) == (499, 0, 0))
        let arrival = plan.arrival(of: 499)
        #expect(arrival.isFull && !arrival.mayCompleteFrame)
    }

    @Test func `fills the room behind a frame of unknown size, which may be whole by any of it`() {
        let plan = ReadPlan(completing: nil, of: nil, room: 50, space: Self.space, isPredicting: false)
        #expect((plan.ownByteCount, plan.sharedByteCount) == (50, 0))
        #expect(plan.arrival(of: 1).mayCompleteFrame)
        #expect(!plan.arrival(of: 0).mayCompleteFrame)
    }

    @Test func `reads behind the end of a frame no more than leaves again in one write`() {
        let plan = ReadPlan(completing: 100, of: 600, room: 100, space: Self.space, isPredicting: false)
        #expect((plan.ownByteCount, plan.sharedByteCount, plan.predictedByteCount) == (100, 400, 0))
        #expect(!plan.arrival(of: 99).mayCompleteFrame)
        #expect(plan.arrival(of: 100).mayCompleteFrame)
        let arrival = plan.arrival(of: 130)
        #expect((arrival.ownByteCount, arrival.sharedByteCount) == (100, 30))
        #expect(!arrival.isFull)
        #expect(plan.arrival(of: 500).isFull)
    }

    @Test func `reads nothing behind a frame that is larger than the receive buffer`() {
        let plan = ReadPlan(completing: 100, of: 1001, room: 100, space: Self.space, isPredicting: false)
        #expect(plan.byteCount == 100)
    }

    @Test func `reads whole predicted frames into the receive buffer, and the next beginning elsewhere`() {
        let plan = ReadPlan(completing: 10, of: 300, room: 10, space: Self.space, isPredicting: true)
        #expect((plan.ownByteCount, plan.sharedByteCount, plan.predictedByteCount) == (10, 600, 100))
        let arrival = plan.arrival(of: 615)
        #expect((arrival.ownByteCount, arrival.sharedByteCount, arrival.predictedByteCount) == (10, 600, 5))
    }

    @Test func `reads as much as one read takes of a predicted frame that is larger than the receive buffer`() {
        let plan = ReadPlan(completing: 10, of: 5000, room: 10, space: Self.space, isPredicting: true)
        #expect((plan.ownByteCount, plan.sharedByteCount, plan.predictedByteCount) == (10, 0, Self.space))
    }

    @Test func `never says more than there is room for, whatever is carried`() {
        for frame in [1, 7, 299, 300, 999, 1000, 1001, 5000] {
            for missing in [1, 6, 300, 999, 4999] where missing <= frame {
                for room in [1, 6, 7, 300, 5000] {
                    for isPredicting in [false, true] where !isPredicting || room >= missing {
                        let plan = ReadPlan(
                            completing: missing, of: frame, room: room, space: Self.space, isPredicting: isPredicting)
                        let isWithin =
                            plan.ownByteCount <= room && plan.ownByteCount <= missing
                            && plan.sharedByteCount <= Self.space && plan.predictedByteCount <= frame
                        #expect(isWithin, "\(plan)")
                        #expect(plan.byteCount > 0)
                        let all = plan.arrival(of: plan.byteCount)
                        #expect(all.ownByteCount + all.sharedByteCount + all.predictedByteCount == plan.byteCount)
                    }
                }
            }
        }
    }
}
