// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

/// One direction of a connection: two descriptors that block, of which one is written and the other read.
struct Channel {
    let input: Int32
    let output: Int32

    init(_ kind: StreamKind) throws {
        var ends: [Int32] = [-1, -1]
        switch kind {
        case .fifos:
            ends = try Self.fifo()
        case .socketPairs:
            try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            // SO_PASSRIGHTS: otherwise descriptors could lie in them, and another thread would close them.
            var no: Int32 = 0
            for number in ends { unsafe setsockopt(number, SOL_SOCKET, 83, &no, 4) }
        default:
            try #require(unsafe pipe(&ends) == 0)
        }
        for number in ends { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
        (output, input) = (ends[0], ends[1])
    }

    private static func fifo() throws -> [Int32] {
        let scratch = Scratch()
        let path = scratch.path("fifo")
        try #require(unsafe mkfifo(path, 0o600) == 0)
        // Without a writer, opening waits for one, unless it does not block.
        let output = unsafe open(path, O_RDONLY | O_NONBLOCK)
        let input = unsafe open(path, O_WRONLY)
        try #require(output >= 0 && input >= 0)
        _ = fcntl(output, F_SETFL, 0)
        return [output, input]
    }
}
