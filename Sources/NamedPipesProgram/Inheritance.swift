// SPDX-License-Identifier: Apache-2.0
internal import CProgram
internal import Glibc
package import NamedPipes

/// The state that this process inherits from its parent.
///
/// A program that is started by a shell, a service manager, a container or another program inherits more than its
/// arguments, and each of these has made some program fail. All of it is examined here, once, at the very beginning,
/// and ``takeOver()`` decides what to do about it:
///
/// | Inherited | Decision |
/// |---|---|
/// | arguments | taken as bytes from C's `argv`; see ``Arguments`` |
/// | SIGCHLD ignored | back to its default, so that children can be waited for |
/// | SIGPIPE, SIGXFSZ | ignored: the write fails instead, and its error is reported |
/// | SIGINT, SIGTERM, SIGHUP ignored | stay ignored, as `nohup` and `command &` expect; otherwise they stop the program |
/// | other dispositions | left alone |
/// | the mask of signals | emptied, for children as well, except for ``StopSignals``: no parent intends it |
/// | descriptors 0–2 closed | opened on /dev/null, so that no socket or pipe of ours gets their numbers |
/// | soft limit of descriptors | raised by servers (``raiseDescriptorLimit()``): each connection takes one |
/// | other resource limits, umask, working directory, priority | left alone: nothing here depends on them |
/// | environment | known variables are read; the service manager's are not passed on |
/// | namespaces | process 0 is unknown, an unmapped user is never treated as this user |
///
/// Children inherit the rest unchanged: see ``ChildProgram``.
package struct Inheritance: Sendable {
    /// The arguments, the program's own name first.
    package let arguments: Arguments

    /// The signals that were ignored.
    package let ignoredSignals: Set<Int32>

    /// Which of the descriptors 0, 1 and 2 were closed.
    package let closedDescriptors: Set<Int32>

    /// Soft and hard limits, by the resource's number (getrlimit(2)).
    let limits: [rlimit]

    /// The state when this was first read; ``takeOver()`` reads it at the beginning.
    package static let atStart = Inheritance()

    private init() {
        arguments = .ofProcess
        ignoredSignals = Set((1..<Int32(program_signal_count)).filter(Self.isIgnored))
        closedDescriptors = Set((STDIN_FILENO...STDERR_FILENO).filter { fcntl($0, F_GETFD) < 0 })
        limits = (0..<Int(program_limit_count)).map { resource in
            var limit = rlimit()
            _ = unsafe getrlimit(__rlimit_resource_t(UInt32(resource)), &limit)
            return limit
        }
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard unsafe sigaction(number, nil, &action) == 0 else { return false }
        return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == ignoringHandler
    }

    /// `SIG_IGN`, which is not a function.
    private static let ignoringHandler = 1

    /// The soft limit of open descriptors (`RLIMIT_NOFILE`).
    package var descriptorLimit: Int { Int(clamping: limits[Int(RLIMIT_NOFILE.rawValue)].rlim_cur) }
}

extension Inheritance {
    /// Adapts the inherited state to the needs of this kind of program. Call it first of all, while there is one
    /// thread.
    ///
    /// SIGINT, SIGTERM and SIGHUP are blocked until the program waits for them with ``StopSignals``.
    ///
    /// - Returns: the inherited state.
    /// - Throws: the error of opening /dev/null on a closed descriptor.
    @discardableResult
    package static func takeOver() throws(SystemError) -> Inheritance {
        let found = atStart
        try found.openClosedDescriptors()
        signal(SIGCHLD, SIG_DFL)
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        found.stopSignals.block()
        return found
    }

    /// The signals that end a program from outside, without those that the parent wanted it to ignore.
    var stopSignals: SignalSet { SignalSet([SIGINT, SIGTERM, SIGHUP].filter { !ignoredSignals.contains($0) }) }

    /// open(2) returns the lowest free number, so nothing else may have been opened before.
    private func openClosedDescriptors() throws(SystemError) {
        for descriptor in closedDescriptors.sorted() {
            let opened = unsafe open("/dev/null", O_RDWR)
            guard opened == descriptor else {
                throw SystemError(call: "open /dev/null", code: opened < 0 ? errno : EBADF)
            }
        }
    }
}

/// Allows as many descriptors as this process may have, because each connection needs one. Children are not affected.
///
/// - Returns: the new limit.
@discardableResult
package func raiseDescriptorLimit() -> Int {
    _ = Inheritance.atStart
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard unsafe getrlimit(resource, &limit) == 0 else { return 1024 }
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(resource, &limit)
    return Int(clamping: limit.rlim_cur)
}
