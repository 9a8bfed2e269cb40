// SPDX-License-Identifier: Apache-2.0
internal import var Glibc.ECONNABORTED
internal import var Glibc.EINVAL
internal import var Glibc.EMFILE
internal import var Glibc.ENFILE
internal import var Glibc.ENOSYS
internal import var Glibc.EOPNOTSUPP
internal import var Glibc.EPROTO
internal import PipeReactor

/// The meaning of a failed accept4(2) for the waiting clients, and the reaction. This is the only table of its errnos;
/// no reaction makes the loop retry without end.
///
/// | Errno | Means | Answer |
/// |---|---|---|
/// | EAGAIN | no client waits | a value, not an error (`SystemCall.swift`) |
/// | EINTR | a signal came first | the call is made again (`SystemCall.swift`) |
/// | ECONNABORTED, EPROTO | one client has gone again | the next client; rest after ``Listener/goneLimit`` in a row |
/// | EMFILE, ENFILE | no descriptor is left, in the process or the system | shed clients, rest, tell |
/// | ENOBUFS, ENOMEM | no memory is left | rest, tell |
/// | EPERM, EACCES | a security module forbids it; the client stays the first in the queue | rest, tell |
/// | EINVAL, EOPNOTSUPP, ENOSYS | the socket does not listen (any more), or the call is not available | stop, tell |
/// | EBADF, EFAULT, ENOTSOCK | a bug here | the process ends (`SystemCall.swift`) |
/// | any other | unknown, so it may last | rest, tell |
enum AcceptFailure: Equatable {
    /// The client is gone again; the next one may be there.
    case clientIsGone
    /// There is no descriptor for the clients.
    case noDescriptor
    /// The clients cannot be accepted now, but perhaps in a moment.
    case notNow
    /// No client can ever be accepted.
    case never

    init(_ error: SystemError) {
        self =
            switch error.code {
            case ECONNABORTED, EPROTO: .clientIsGone
            case EMFILE, ENFILE: .noDescriptor
            case EINVAL, EOPNOTSUPP, ENOSYS: .never
            default: .notNow
            }
    }

    /// The error of a blocking accept(2) on a socket that was shut down; a non-blocking one only says that no client
    /// waits.
    static var listenerWasShutDown: SystemError { SystemError(call: "accept4", code: EINVAL) }
}
