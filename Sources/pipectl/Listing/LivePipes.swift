// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Glibc
internal import NamedPipes

/// A name at which a process listens.
struct LivePipe: Encodable, Equatable {
    /// As a command takes it.
    let address: String
    /// The name of the program, as ps(1) shows it; nil if the process is not visible.
    let program: String?
    let pid: Int32?
    /// The effective user of the process.
    let uid: UInt32?
    let acceptedCount: Int
    /// How many clients wait to be accepted, and how many may.
    let waitingCount: Int
    let backlog: Int
    /// Whether ADDRESS.stat is there as well.
    let offersStatistics: Bool
    /// How it frames its messages, as `NamedFraming` calls it; nil if its statistics do not say so.
    var framing: String?
}

extension LivePipe {
    /// The names of stream sockets at which processes listen, by address.
    ///
    /// - Parameter includesHidden: also those whose process is not visible to this user, and the names of statistics.
    /// - Throws: the error of the kernel's list.
    static func all(includingHidden includesHidden: Bool = false) throws(SystemError) -> [LivePipe] {
        let sockets = try UnixSocket.all().filter(\.isStream)
        let owners = SocketOwners()
        var names = SocketNames()
        var pipes: [LivePipe] = []
        let accepted = acceptedCounts(sockets)
        let named = sockets.filter(\.isListening).compactMap { socket in names.address(of: socket).map { (socket, $0) }
        }
        let all = Set(named.map(\.1))
        for (socket, address) in named {
            let owner = owners.process(holding: socket.inode)
            let isStatistics = address.hasSuffix(statisticsSuffix) && all.contains(String(address.dropLast(5)))
            guard includesHidden || owner != nil && !isStatistics else { continue }
            pipes.append(
                LivePipe(
                    address: address, program: owner?.program, pid: owner?.processID, uid: owner?.userID,
                    acceptedCount: Place(socket).flatMap { accepted[$0] } ?? 0,
                    waitingCount: NameFacts.waitingCount(socket),
                    backlog: socket.queue.limit, offersStatistics: all.contains(address + statisticsSuffix)))
        }
        return pipes.sorted { $0.address < $1.address }
    }

    private static let statisticsSuffix = ".stat"

    /// What an accepted socket has in common with its listener.
    private enum Place: Hashable {
        case file(UnixSocket.File)
        case abstract([UInt8])

        init?(_ socket: UnixSocket) {
            if let file = socket.file {
                self = .file(file)
            } else if let name = socket.abstractName {
                self = .abstract(name)
            } else {
                return nil
            }
        }
    }

    private static func acceptedCounts(_ sockets: [UnixSocket]) -> [Place: Int] {
        var counts: [Place: Int] = [:]
        for socket in sockets where !socket.isListening {
            if let place = Place(socket) { counts[place, default: 0] += 1 }
        }
        return counts
    }
}

/// Finds the names of sockets. Servers of this library bind their socket to a temporary name and then move it: the
/// kernel knows the former name only, and the file's inode tells the present one.
private struct SocketNames {
    /// The socket files of each directory that was searched.
    private var directories: [String: [String]] = [:]

    /// The address of a listener; nil if it has none that can be used: its file is gone, or the path is relative.
    mutating func address(of socket: UnixSocket) -> String? {
        if let name = socket.abstractName {
            // A name of five hexadecimal digits is the kernel's choice (autobind, unix(7)), which no one looks for.
            guard !name.isEmpty, let text = String(validating: name, as: UTF8.self) else { return nil }
            return printable("@" + text)
        }
        guard let bytes = socket.boundPath, bytes.first == UInt8(ascii: "/"),
            let path = String(validating: bytes, as: UTF8.self)
        else { return nil }
        if isBound(socket, at: path) { return printable(path) }
        let directory = URL(filePath: path).deletingLastPathComponent().path
        return files(in: directory).first { isBound(socket, at: $0) }.map { printable($0) }
    }

    private func isBound(_ socket: UnixSocket, at path: String) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
        return NameFacts.isBound(socket, to: status, at: path)
    }

    private mutating func files(in directory: String) -> [String] {
        if let known = directories[directory] { return known }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let paths = names.map { directory == "/" ? "/" + $0 : "\(directory)/\($0)" }.filter { path in
            var status = stat()
            return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
        }
        directories[directory] = paths
        return paths
    }
}
