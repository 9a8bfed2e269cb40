// SPDX-License-Identifier: Apache-2.0
internal import Glibc

// Every system call of the project goes through one of the two functions below, so that the answers to "what if it is
// interrupted" and "what if it would block" are given once:
//
// - EINTR is retried; no caller ever sees it.
// - would-block (EAGAIN, EWOULDBLOCK) is a value, nil, for the calls that may block; it is not an error.
// - errnos that only a bug of ours can cause (a closed descriptor, a bad pointer) end the process with the call's name:
//   going on would mean using a descriptor that by now belongs to somebody else.
// - everything else is a `SystemError`.

/// Makes a call that cannot block, and turns -1 into a typed error.
@inlinable
package func systemCall<Result: FixedWidthInteger>(
    _ name: StaticString, _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        if let error = failureOfLastCall(name) { throw error }
    }
}

/// Makes a call on a non-blocking descriptor; nil means it would block.
@inlinable
package func nonBlockingCall<Result: FixedWidthInteger>(
    _ name: StaticString, _ body: () -> Result
) throws(SystemError) -> Result? {
    while true {
        let result = body()
        if result != -1 { return result }
        if wouldLastCallBlock() { return nil }
        if let error = failureOfLastCall(name) { throw error }
    }
}

/// What errno says; nil if the call is to be made again.
@usableFromInline
@inline(never)
package func failureOfLastCall(_ name: StaticString) -> SystemError? {
    let code = errno
    if code == EINTR { return nil }
    precondition(code != EBADF && code != EFAULT && code != ENOTSOCK, "\(name) failed with errno \(code): a bug here")
    return SystemError(call: "\(name)", code: code)
}

@usableFromInline
@inline(never)
package func wouldLastCallBlock() -> Bool { errno == EAGAIN || errno == EWOULDBLOCK }
