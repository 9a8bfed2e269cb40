// SPDX-License-Identifier: Apache-2.0
internal import Glibc

// Every system call of the project goes through one of the functions below, so that there is one answer each to the
// questions "what if it is interrupted", "what if it would block" and "what if it fails". Never call them with `try?`,
// which merges two answers:
//
// - EINTR is retried; no caller ever sees it.
// - would-block (EAGAIN, EWOULDBLOCK) is a value for the calls that may block; it is not an error. A read of a stream
//   has a third result, the end: see `ReadOutcome`.
// - errnos that only a bug of ours can cause (a closed descriptor, a bad pointer) trap with the call's name: continuing
//   would mean using a descriptor that by now belongs to other code.
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

/// Reads from a non-blocking stream: nothing now, the end, or how many bytes.
@inlinable @inline(__always)
package func readCall(_ name: StaticString, _ body: () -> Int) throws(SystemError) -> ReadOutcome<Int> {
    switch try nonBlockingCall(name, body) {
    case nil: .wouldBlock
    case 0: .end
    case let count?: .content(count)
    }
}

/// Makes a call whose failure changes nothing for the caller, who says why: cleaning up, or information that is merely
/// useful.
///
/// - Returns: its result; nil if it failed or would block.
@inlinable @discardableResult
package func attemptCall<Result: FixedWidthInteger>(_ name: StaticString, _ body: () -> Result) -> Result? {
    do {
        return try nonBlockingCall(name, body)
    } catch {
        return nil
    }
}

/// Makes a call that, according to its manual page, can fail with these arguments only by finding nothing to do. Any
/// other failure is a bug here, and to continue would mean to spin or to sleep for ever.
///
/// - Returns: nil if it would block.
@inlinable @discardableResult
package func infallibleCall<Result: FixedWidthInteger>(_ name: StaticString, _ body: () -> Result) -> Result? {
    do {
        return try nonBlockingCall(name, body)
    } catch {
        preconditionFailure("\(error): it cannot fail")
    }
}

/// The error in errno; nil if the call has to be repeated.
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
