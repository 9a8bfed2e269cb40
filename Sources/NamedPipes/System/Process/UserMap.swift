// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The mapping of the system's users into this process's user namespace (`user_namespaces(7)`).
///
/// In a container that has its own namespace, most users are not mapped. The kernel then reports the overflow user's ID
/// for them, usually 65534, which may also be a real user's ID.
struct UserMap: Equatable {
    /// The number of mapped users.
    private let userCount: UInt64
    private let overflowID: UInt32

    /// The number of possible users: all IDs but the last, which stands for none.
    private static let limit = UInt64(UInt32.max)

    /// - Parameters:
    ///   - map: `/proc/self/uid_map`: lines of first number here, first number outside, count. Empty before there is
    ///     one.
    ///   - overflow: `/proc/sys/kernel/overflowuid`.
    init(map: [UInt8], overflow: [UInt8]) {
        userCount = map.split(separator: UInt8(ascii: "\n")).reduce(0) { count, line in
            let numbers = line.words().compactMap { UInt64($0) }
            return numbers.count == 3 ? count + numbers[2] : count
        }
        overflowID = overflow.words().first.flatMap { UInt32($0) } ?? 65534
    }

    /// The ID that stands for all unmapped users; nil if every user is mapped, as outside of all containers.
    var overflowUserID: UInt32? { userCount >= Self.limit ? nil : overflowID }

    static var current: UserMap {
        UserMap(
            map: SmallFile.bytes(at: "/proc/self/uid_map") ?? mapWithoutFile,
            overflow: SmallFile.bytes(at: "/proc/sys/kernel/overflowuid") ?? [])
    }

    /// A kernel without user namespaces has no such file. Without `/proc`, it is impossible to tell.
    private static var mapWithoutFile: [UInt8] {
        FileStatus.following("/proc/self") == nil ? [] : Array("0 0 \(limit)\n".utf8)
    }
}
