// SPDX-License-Identifier: Apache-2.0
import PipeReactor

/// An event source whose handler is a closure.
final class ClosureSource: EventHandler {
    private var source: EventSource?
    private var handler: ((Readiness) -> Void)?
    private let once: Bool

    /// - Parameter once: whether to fall silent after each event, until registered again.
    init(
        _ reactor: Reactor, owning descriptor: consuming OwnedDescriptor, _ interest: Interest, once: Bool = false,
        handler: @escaping (Readiness) -> Void
    ) {
        self.handler = handler
        self.once = once
        source = EventSource(reactor, owning: descriptor, interest, handler: self)
    }

    init(
        _ reactor: Reactor, borrowing descriptor: Int32, _ interest: Interest, once: Bool = false,
        handler: @escaping (Readiness) -> Void
    ) {
        self.handler = handler
        self.once = once
        source = EventSource(reactor, borrowing: descriptor, interest, handler: self)
    }

    func register() throws(SystemError) { try source?.register() }
    func unregister() { source?.unregister() }
    func arm(after delay: Duration) { source?.arm(after: delay) }

    func cancel() {
        source = nil
        handler = nil
    }

    func handle(_ readiness: Readiness) {
        if once { source?.unregister() }
        handler?(readiness)
    }
}
