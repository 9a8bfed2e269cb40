// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// The connections of one server or client, so that whatever concerns all of them costs what it has, not what else
/// lives on its reactor.
///
/// The reactor's registry holds the connections; a member here is the number of its slot there, and the slot's
/// mark is the member's place here. So joining and leaving take constant time, and an idle connection pays four bytes.
struct ConnectionList {
    private let registry: Registry
    private var slots: [UInt32] = []

    /// How many steps all walks together have taken: what grows is seen in this number, not in the time that it takes.
    private(set) var stepCount = 0

    /// Those of them that are members of groups.
    private(set) lazy var groups = GroupMembers()

    init(of registry: Registry) { self.registry = registry }

    var count: Int { slots.count }

    mutating func insert(_ key: UInt64) {
        let slot = UInt32(truncatingIfNeeded: key)
        registry[markOfSlot: slot] = UInt32(slots.count)
        slots.append(slot)
    }

    /// The last one takes the place of the one that leaves.
    mutating func remove(_ key: UInt64) {
        let place = Int(registry[markOfSlot: UInt32(truncatingIfNeeded: key)])
        assert(slots[place] == UInt32(truncatingIfNeeded: key), "a connection leaves that is not there")
        let last = slots.removeLast()
        guard place < slots.count else { return }
        slots[place] = last
        registry[markOfSlot: last] = UInt32(place)
    }

    /// The member at a place; nil behind the last.
    mutating func connection(at place: Int) -> PipeConnection? {
        guard place < slots.count else { return nil }
        stepCount &+= 1
        return registry.element(inSlot: slots[place]) as? PipeConnection
    }
}
