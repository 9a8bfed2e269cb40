// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// A descriptor that is only there to be given up for a moment, when there is no other.
struct ReserveDescriptor: ~Copyable {
    // A socket of its own rather than a duplicate of something: the system as a whole counts only open files (ENFILE).
    private var socket: OwnedDescriptor?

    var isHeld: Bool { socket != nil }

    mutating func acquire() throws(SystemError) {
        if socket == nil { socket = try Socket.stream() }
    }

    mutating func release() { socket = nil }
}
