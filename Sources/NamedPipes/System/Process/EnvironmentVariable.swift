// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The variables of this process's environment (`environ(7)`). Reading them is not safe while another thread changes
/// them.
enum EnvironmentVariable {
    /// The text of a variable (`getenv(3)`); nil if it is unset. Text that is not UTF-8 counts as unset, because
    /// repairing it would name another location.
    static func text(_ name: String) -> String? {
        unsafe getenv(name).flatMap { unsafe String(validatingCString: $0) }
    }

    /// The text of a variable, which is then removed (`unsetenv(3)`), so that no child process inherits it. Text that
    /// is not UTF-8 is repaired: it is then neither a number nor a name.
    static func take(_ name: String) -> String? {
        let text = unsafe getenv(name).map { unsafe String(cString: $0) }
        _ = unsafe unsetenv(name)
        return text
    }
}
