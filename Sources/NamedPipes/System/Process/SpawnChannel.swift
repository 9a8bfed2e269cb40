// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// The connected descriptors that a program and its parent get, close-on-exec.
enum SpawnChannel {
    /// `socketpair(2)`; ours does not block.
    static func sockets(mayHoldDescriptors: Bool) throws(SystemError) -> SocketEnds {
        var numbers: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        _ = try systemCall("socketpair") { unsafe socketpair(AF_UNIX, type, 0, &numbers) }
        let ends = SocketEnds(
            ours: OwnedDescriptor(taking: numbers[0], mayHoldDescriptors: mayHoldDescriptors),
            theirs: OwnedDescriptor(taking: numbers[1]))
        try InheritedSocket.stopBlocking(numbers[0])
        return ends
    }

    /// `pipe2(2)`.
    static func pipe() throws(SystemError) -> PipeEnds {
        var numbers: [Int32] = [-1, -1]
        _ = try systemCall("pipe2") { unsafe GNUCalls.makePipe(&numbers) }
        return PipeEnds(reading: OwnedDescriptor(taking: numbers[0]), writing: OwnedDescriptor(taking: numbers[1]))
    }
}

struct SocketEnds: ~Copyable {
    let ours: OwnedDescriptor
    let theirs: OwnedDescriptor

    consuming func takeOurs() -> OwnedDescriptor { ours }
}

struct PipeEnds: ~Copyable {
    let reading: OwnedDescriptor
    let writing: OwnedDescriptor

    consuming func takeReading() -> OwnedDescriptor { reading }
    consuming func takeWriting() -> OwnedDescriptor { writing }
}
