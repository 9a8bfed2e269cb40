// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A system call that failed: its name, and the errno it left (`errno(3)`).
public struct SystemError: Error, Hashable, Sendable {
    /// The name of the call as its manual page has it, such as `"connect"`.
    public let call: String

    /// The value of `errno` after the call, such as `EACCES`.
    public let code: Int32

    /// Creates an error for a failed call.
    ///
    /// - Parameters:
    ///   - call: the name of the system call.
    ///   - code: the value of `errno` that it left.
    public init(call: String, code: Int32) {
        self.call = call
        self.code = code
    }
}

extension SystemError: CustomStringConvertible {
    /// The call and the system's text for the code: `connect: Permission denied (errno 13)`.
    public var description: String {
        "\(call): \(unsafe String(cString: strerror(code))) (errno \(code))"
    }
}
