// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The only owner of a file descriptor: it cannot be copied, and its end closes the descriptor (`close(2)`).
package struct OwnedDescriptor: ~Copyable {
    /// The number, for system calls made while this value lives.
    package let rawValue: Int32

    /// Whether ``DescriptorDisposal`` closes it: a socket to which untrusted peers may have sent descriptors that were
    /// not received. The kernel closes those with the socket, and that may block the caller for an hour.
    package let mayHoldDescriptors: Bool

    /// Takes over a descriptor that no other code will close.
    package init(taking rawValue: Int32, mayHoldDescriptors: Bool = false) {
        precondition(rawValue >= 0, "not a descriptor: \(rawValue)")
        self.rawValue = rawValue
        self.mayHoldDescriptors = mayHoldDescriptors
    }

    /// Releases the descriptor without closing it.
    package consuming func release() -> Int32 {
        let number = rawValue
        discard self
        return number
    }

    deinit {
        if mayHoldDescriptors { return DescriptorDisposal.shared.close(socket: rawValue) }
        // Linux has freed the number even if close reports EINTR or EIO: closing it again could hit a descriptor of
        // other code.
        _ = close(rawValue)
    }
}
