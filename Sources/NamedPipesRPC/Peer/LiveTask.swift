// SPDX-License-Identifier: Apache-2.0

/// A task that can be cancelled from elsewhere while it is alive; the owner of this value has to discard it before the
/// task ends.
@safe
struct LiveTask {
    private let task: UnsafeCurrentTask

    /// The calling task.
    static func current() -> LiveTask? {
        unsafe withUnsafeCurrentTask { task in unsafe task.map { unsafe LiveTask(task: $0) } }
    }

    func cancel() { unsafe task.cancel() }
}
