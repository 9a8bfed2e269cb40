// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// What a failed accept4(2) means for those who still wait.
enum AcceptFailure: Equatable {
    /// Nothing: one has gone again, or was kept out by a security module.
    case clientIsGone
    /// The process (EMFILE) or the system (ENFILE) has no descriptor for them.
    case noDescriptor
    /// They cannot be accepted now, mostly for want of memory (ENOBUFS, ENOMEM).
    case noRoom

    init(_ error: SystemError) {
        self =
            switch error.code {
            case ECONNABORTED, EPERM, EACCES, EPROTO: .clientIsGone
            case EMFILE, ENFILE: .noDescriptor
            default: .noRoom
            }
    }
}
