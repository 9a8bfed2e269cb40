// SPDX-License-Identifier: Apache-2.0

/// The members of each group of one server.
///
/// Each connection knows its own groups as well (``RareConnectionState/groups``), so leaving all of them takes time
/// proportional to their number, not to the number of all groups.
final class GroupMembers {
    private var members: [PipeGroup: [PipeConnection.ID: PipeConnection]] = [:]

    var groups: some Collection<PipeGroup> { members.keys }

    func count(of group: PipeGroup) -> Int { members[group]?.count ?? 0 }

    /// The members, in no particular order.
    func connections(in group: PipeGroup) -> some Collection<PipeConnection> { (members[group] ?? [:]).values }

    func add(_ connection: PipeConnection, to group: PipeGroup) {
        members[group, default: [:]][connection.id] = connection
    }

    func remove(_ connection: PipeConnection, from group: PipeGroup) {
        guard let index = members.index(forKey: group) else { return }
        members.values[index][connection.id] = nil
        if members.values[index].isEmpty { members.remove(at: index) }
    }
}
