// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipesProgram

/// SIGQUIT (Ctrl-\ on a terminal), which ends a program at once, and leaves a core dump.
enum QuitSignal {
    /// Makes SIGQUIT do what SIGTERM does, for the rest of the process's life. If it was ignored, it stays ignored.
    static func endsAsTermination() {
        guard !Inheritance.atStart.ignoredSignals.contains(SIGQUIT) else { return }
        // kill(2) may be called in a handler (signal-safety(7)).
        signal(SIGQUIT) { _ in kill(getpid(), SIGTERM) }
    }
}
