// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// A descriptor whose only purpose is to be released for a moment when no other is available.
struct ReserveDescriptor: ~Copyable {
    // A socket of its own rather than a duplicate: the system-wide limit (ENFILE) counts only open files.
    private var socket: OwnedDescriptor?

    var isHeld: Bool { socket != nil }

    mutating func acquire() throws(SystemError) {
        if socket == nil { socket = try Socket.stream() }
    }

    mutating func release() { socket = nil }
}
