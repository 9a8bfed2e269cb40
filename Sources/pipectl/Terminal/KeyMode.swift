// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// The mode of the terminal of standard input in which each key arrives at once, and is not echoed (termios(3): no
/// `ICANON`, no `ECHO`).
///
/// Ctrl-C still sends SIGINT, and Ctrl-\ SIGQUIT, so that they work whatever the program does. Ctrl-Z arrives as a key,
/// because the terminal has to be as it was found before the program stops; see ``suspend()``. The mode ends at the
/// latest with the process, if that calls exit(3), as after SIGINT, SIGTERM and SIGHUP. After a process that was
/// killed, shells end it.
///
/// In the background, the terminal belongs to another program, and changing it would stop this one (SIGTTOU): the mode
/// is neither entered nor left there, and the shell restores the terminal.
enum KeyMode {
    /// The settings before; nil outside of the mode.
    private static let found = Mutex<termios?>(nil)

    private static let restoresAtExit: Bool = atexit { KeyMode.leave() } == 0

    /// Whether the program may read from the terminal and change its settings (tcgetpgrp(3)): in the background,
    /// either would stop it. True as well for a terminal that is not the session's own, which stops no one.
    static var isInForeground: Bool {
        let foreground = tcgetpgrp(STDIN_FILENO)
        return foreground == -1 || foreground == getpgrp()
    }

    /// Enters the mode. Has no effect inside it, in the background, and where standard input is no terminal.
    static func enter() {
        guard restoresAtExit else { return }
        found.withLock { found in
            var settings = termios()
            guard found == nil, isInForeground, unsafe tcgetattr(STDIN_FILENO, &settings) == 0 else { return }
            found = settings
            settings.c_lflag &= ~tcflag_t(ICANON | ECHO | IEXTEN)
            unsafe withUnsafeMutableBytes(of: &settings.c_cc) { keys in
                // _POSIX_VDISABLE, which Linux defines as 0.
                unsafe keys[Int(VSUSP)] = 0
                unsafe keys[Int(VMIN)] = 1
                unsafe keys[Int(VTIME)] = 0
            }
            _ = unsafe tcsetattr(STDIN_FILENO, TCSADRAIN, &settings)
        }
    }

    /// Restores the settings that were found. Has no effect outside of the mode.
    static func leave() {
        found.withLock { found in
            guard var settings = found.take(), isInForeground else { return }
            _ = unsafe tcsetattr(STDIN_FILENO, TCSADRAIN, &settings)
        }
    }

    /// Stops the processes in the terminal's foreground, as the terminal itself would (SIGTSTP), with the terminal as
    /// it was found. Returns when the program is continued, which may be in the background.
    static func suspend() {
        let isInside = found.withLock { $0 != nil }
        leave()
        kill(0, SIGTSTP)
        if isInside { enter() }
    }
}
