// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The connections of one server or client, so that the cost of visiting all of them does not depend on the other
/// connections of the reactor.
///
/// The reactor's registry holds the connections. A member of this list is the number of its slot there, and the slot's
/// mark is the member's index here. Therefore joining and leaving take constant time, and an idle connection costs four
/// bytes.
struct ConnectionList {
    private let registry: Registry
    private var slots: [UInt32] = []

    /// The number of steps of all iterations so far. Tests look at this number, not at a time, to see which costs grow.
    private(set) var stepCount = 0

    /// Those connections that are members of groups.
    private(set) lazy var groups = GroupMembers()

    init(of registry: Registry) { self.registry = registry }

    var count: Int { slots.count }

    mutating func insert(_ key: UInt64) {
        let slot = UInt32(truncatingIfNeeded: key)
        registry[markOfSlot: slot] = UInt32(slots.count)
        slots.append(slot)
    }

    /// The last member takes the place of the one that leaves.
    mutating func remove(_ key: UInt64) {
        let place = Int(registry[markOfSlot: UInt32(truncatingIfNeeded: key)])
        assert(slots[place] == UInt32(truncatingIfNeeded: key), "a connection leaves that is not there")
        let last = slots.removeLast()
        guard place < slots.count else { return }
        slots[place] = last
        registry[markOfSlot: last] = UInt32(place)
    }

    /// The member at an index; nil beyond the last one.
    mutating func connection(at place: Int) -> PipeConnection? {
        guard place < slots.count else { return nil }
        stepCount &+= 1
        return registry.element(inSlot: slots[place]) as? PipeConnection
    }
}
