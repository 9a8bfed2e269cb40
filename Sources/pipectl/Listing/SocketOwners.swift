// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Glibc

/// The processes that have sockets open, as far as this user may look (proc_pid_fd(5)): its own, or all for root.
struct SocketOwners {
    struct Process: Equatable {
        let processID: Int32
        let userID: UInt32
        let program: String
    }

    private var holders: [UInt32: [Int32]] = [:]

    init() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        for processID in names.compactMap({ Int32($0) }).sorted() {
            for socket in Self.sockets(of: processID) { holders[socket, default: []].append(processID) }
        }
    }

    /// The process with the lowest ID, because a program that forks leaves its socket to its children; but a service
    /// manager, which keeps a socket for its service, only if there is no other.
    func process(holding socket: UInt32) -> Process? {
        guard let holders = holders[socket], let first = holders.first(where: { $0 != 1 }) ?? holders.first,
            let program = ProcessFacts.name(of: first)
        else { return nil }
        var status = stat()
        guard unsafe stat("/proc/\(first)", &status) == 0 else { return nil }
        return Process(processID: first, userID: status.st_uid, program: program)
    }

    /// The state of the processes that hold a socket, without a service manager (``ProcessFacts/state(of:)``); nil if
    /// they differ, or none is known.
    func commonState(ofHolders socket: UInt32) -> Character? {
        let states = Set((holders[socket] ?? []).filter { $0 != 1 }.compactMap(ProcessFacts.state))
        return states.count == 1 ? states.first : nil
    }

    private static func sockets(of processID: Int32) -> [UInt32] {
        let directory = "/proc/\(processID)/fd"
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else { return [] }
        return names.compactMap { name in
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\(name)"),
                target.hasPrefix("socket:[")
            else { return nil }
            return UInt32(target.dropFirst("socket:[".count).dropLast())
        }
    }
}
