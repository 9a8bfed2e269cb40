// SPDX-License-Identifier: Apache-2.0
package import PipeReactor
internal import Synchronization

/// Asks until the condition holds; false if it never did. The condition waits for another thread by itself.
package func eventually(_ condition: () async throws -> Bool) async rethrows -> Bool {
    let start = ContinuousClock.now
    var yieldCount = 0
    // Beside many other tests, a single yield may take longer than the limit.
    while ContinuousClock.now - start < Loop.patience || yieldCount < 1000 {
        if try await condition() { return true }
        await Task.yield()
        yieldCount += 1
    }
    return false
}

extension ReactorExecutor {
    /// Lets the reactor's loop go on to a later turn, which looks at sockets and timers.
    ///
    /// On the reactor, `Task.yield()` does not: a hundred yields and more fit into one turn.
    package func turn() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isPosted = post { _ in continuation.resume() }
            precondition(isPosted, "the reactor has ended")
        }
    }
}

/// Opens once, for any number of tasks that wait for it.
package final class Gate: Sendable {
    private let stream: AsyncStream<Never>
    private let continuation: AsyncStream<Never>.Continuation
    private let opened = Atomic(false)

    package init() { (stream, continuation) = AsyncStream.makeStream(of: Never.self) }

    package func open() {
        opened.store(true, ordering: .releasing)
        continuation.finish()
    }

    package var isOpen: Bool { opened.load(ordering: .acquiring) }

    /// Waits for ``open()``. For one task at a time; a cancelled one does not wait.
    package func pass() async {
        for await _ in stream {}
    }
}

package final class Count: Sendable {
    private let count = Atomic(0)

    package init() {}

    package func add(_ number: Int = 1) { count.add(number, ordering: .relaxed) }

    package var value: Int { count.load(ordering: .relaxed) }
}
