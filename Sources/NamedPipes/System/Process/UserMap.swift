// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Which of the system's users have a number in this process's user namespace (`user_namespaces(7)`).
///
/// In a container that has a namespace of its own, most of them have none. The kernel then gives the overflow user's
/// number for them, usually 65534, which may be a real user's number too.
struct UserMap: Equatable {
    /// How many users have a number.
    private let userCount: UInt64
    private let overflowID: UInt32

    /// How many users there can be: all numbers but the last, which stands for none.
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

    /// The number that stands for all without one; nil where every user has one, as outside of all containers.
    var overflowUserID: UInt32? { userCount >= Self.limit ? nil : overflowID }

    static var current: UserMap {
        UserMap(
            map: SmallFile.bytes(at: "/proc/self/uid_map") ?? mapWithoutFile,
            overflow: SmallFile.bytes(at: "/proc/sys/kernel/overflowuid") ?? [])
    }

    /// A kernel without user namespaces has no such file. Without `/proc`, there is no way to tell.
    private static var mapWithoutFile: [UInt8] {
        FileStatus.following("/proc/self") == nil ? [] : Array("0 0 \(limit)\n".utf8)
    }
}
