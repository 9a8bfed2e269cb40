// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The one owner of a file descriptor: it cannot be copied, and its end closes the descriptor (`close(2)`).
package struct OwnedDescriptor: ~Copyable {
    /// The number, for system calls made while this value lives.
    package let rawValue: Int32

    /// Takes over a descriptor that nobody else will close.
    package init(taking rawValue: Int32) {
        precondition(rawValue >= 0, "not a descriptor: \(rawValue)")
        self.rawValue = rawValue
    }

    /// Gives the descriptor up without closing it.
    package consuming func release() -> Int32 {
        let number = rawValue
        discard self
        return number
    }

    deinit {
        // Linux has freed the number even where close reports EINTR or EIO: closing again could hit a stranger's.
        _ = close(rawValue)
    }
}
