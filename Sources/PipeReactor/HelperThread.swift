// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// A thread that does one thing beside the reactors and that nobody waits for.
///
/// It takes no signals: handlers are the embedder's, and expect to run on threads of the embedder's.
package enum HelperThread {
    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts one. False if there is none to be had (`EAGAIN` of pthread_create(3)); `body` is not called then.
    package static func start(named name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        let argument = unsafe Unmanaged.passRetained(Start(name, body))
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                let start = unsafe Unmanaged<Start>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue()
                nameCurrentThread(start.name)
                start.body()
                return nil
            }, argument.toOpaque())
        guard code == 0 else {
            unsafe argument.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}

/// What debuggers and `top -H` show; at most 15 bytes of it (proc(5), `comm`).
///
/// Through procfs, because Swift's Glibc has no `pthread_setname_np`. A thread without a name works as well.
func nameCurrentThread(_ name: String) {
    do {
        let number = try systemCall("open") { unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC) }
        let file = OwnedDescriptor(taking: number)
        let bytes = Array(name.utf8.prefix(15))
        _ = try systemCall("write") { unsafe write(file.rawValue, bytes, bytes.count) }
    } catch {}
}
