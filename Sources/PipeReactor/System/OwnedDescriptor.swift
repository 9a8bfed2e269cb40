// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The one owner of a file descriptor: it cannot be copied, and its end closes the descriptor (`close(2)`).
package struct OwnedDescriptor: ~Copyable {
    /// The number, for system calls made while this value lives.
    package let rawValue: Int32

    /// Whether ``DescriptorDisposal`` closes it: a socket to which strangers may have sent descriptors that were not
    /// received out. The kernel drops those with the socket, and that may take the caller an hour.
    package let mayHoldDescriptors: Bool

    /// Takes over a descriptor that no other code will close.
    package init(taking rawValue: Int32, mayHoldDescriptors: Bool = false) {
        precondition(rawValue >= 0, "not a descriptor: \(rawValue)")
        self.rawValue = rawValue
        self.mayHoldDescriptors = mayHoldDescriptors
    }

    /// Gives the descriptor up without closing it.
    package consuming func release() -> Int32 {
        let number = rawValue
        discard self
        return number
    }

    deinit {
        if mayHoldDescriptors { return DescriptorDisposal.shared.close(socket: rawValue) }
        // Linux has freed the number even where close reports EINTR or EIO: closing again could hit a stranger's.
        _ = close(rawValue)
    }
}
