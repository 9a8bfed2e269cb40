// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import PipeReactor

/// The calls that start a program and collect it.
enum SpawnCalls {
    /// `posix_spawnp(3)`: starts a program in its own process group.
    ///
    /// Its signals have their defaults, and none is blocked. Of all descriptors it has those that are named here, and
    /// 0, 1 and 2.
    ///
    /// - Parameters:
    ///   - arguments: the program, which is looked up in `PATH` unless it has a slash, and its arguments.
    ///   - environment: `NAME=value` each.
    ///   - directory: the program's working directory; nil for ours.
    ///   - descriptors: ours, and the number of each in the program, ascending.
    /// - Returns: the process ID.
    /// - Throws: the error that prevented it, such as `ENOENT` of execve(2).
    static func spawn(
        _ arguments: [String], _ environment: [String], in directory: String?,
        _ descriptors: [(ours: Int32, theirs: Int32)]
    ) throws(SystemError) -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        for (ours, theirs) in descriptors { unsafe posix_spawn_file_actions_adddup2(&actions, ours, theirs) }
        let last = max(2, descriptors.map(\.theirs).max() ?? 2)
        unsafe GNUCalls.addCloseFrom(&actions, last + 1)
        if let directory {
            let code = unsafe GNUCalls.addChangeOfDirectory(&actions, directory)
            guard code == 0 else { throw SystemError(call: "posix_spawn", code: code) }
        }
        resetSignals(&attributes)
        var process: Int32 = 0
        let code = unsafe withTexts(arguments) { arguments in
            unsafe withTexts(environment) { environment in
                unsafe posix_spawnp(
                    &process, arguments[0].unsafelyUnwrapped, &actions, &attributes, arguments, environment)
            }
        }
        guard code == 0 else { throw SystemError(call: "posix_spawn", code: code) }
        return process
    }

    private static func resetSignals(_ attributes: inout posix_spawnattr_t) {
        var (all, none) = (sigset_t(), sigset_t())
        unsafe sigfillset(&all)
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
    }

    /// Lends texts in C's form: an array of pointers that ends with a null.
    private static func withTexts<Result>(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = unsafe texts.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress.unsafelyUnwrapped) }
    }

    /// `pidfd_open(2)`: a descriptor that becomes readable when the process ends, close-on-exec.
    static func openDescriptor(of process: Int32) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(taking: try systemCall("pidfd_open") { GNUCalls.openProcess(process) })
    }

    /// `waitpid(2)`: collects a child that has ended, after which its ID may be reused; nil if it has not ended.
    static func collect(_ process: Int32) -> ChildExit? {
        var status: Int32 = 0
        do {
            let found = try systemCall("waitpid") { unsafe waitpid(process, &status, WNOHANG) }
            guard found == process else { return nil }
        } catch {
            // ECHILD: other code was faster.
            return .unknown
        }
        let signal = status & 0x7F
        return signal == 0 ? .exited((status >> 8) & 0xFF) : .signaled(signal)
    }

    /// Asks a child that was not collected yet, and its process group, to end (`kill(2)` with SIGTERM).
    static func terminate(_ process: Int32) { attemptCall("kill") { Glibc.kill(-process, SIGTERM) } }

    /// Ends a child that was not collected yet, and its process group (`kill(2)` with SIGKILL).
    static func kill(_ process: Int32) { attemptCall("kill") { Glibc.kill(-process, SIGKILL) } }

    /// Ends a child at once, and waits until it is collected.
    static func endNow(_ process: Int32) {
        kill(process)
        while collect(process) == nil { usleep(1000) }
    }

    /// Waits until a child has ended, at most for this long.
    static func waitForEnd(_ process: borrowing OwnedDescriptor, atMost time: Duration) {
        var entry = pollfd(fd: process.rawValue, events: Int16(POLLIN), revents: 0)
        let (seconds, attoseconds) = time.components
        let milliseconds = Int32(clamping: min(seconds, 1 << 30) * 1000 + attoseconds / 1_000_000_000_000_000)
        attemptCall("poll") { unsafe poll(&entry, 1, milliseconds) }
    }

    /// The present environment (`environ(7)`), each variable as `NAME=value`.
    static var environment: [String] {
        var found: [String] = []
        var next = unsafe environ
        while let text = unsafe next.pointee {
            found.append(unsafe String(cString: text))
            unsafe next += 1
        }
        return found
    }
}
