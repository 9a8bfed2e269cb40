// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// A thread that owns a reactor and runs it until it is stopped.
///
/// Everything that is to live on the reactor is made in the set-up function, on the new thread:
///
/// ```swift
/// let thread = try ReactorThread(name: "pipes") { reactor in
///     _ = try PipeServer(listeningOn: address, reactor: reactor, delegate: Echo())
/// }
/// …
/// thread.stop()
/// thread.join()
/// ```
///
/// Releasing the last reference stops the reactor, but does not wait for it.
public final class ReactorThread: Sendable {
    /// The executor of the thread's reactor.
    public let executor: ReactorExecutor

    private let handle: Mutex<SystemThread?>

    /// Starts a thread, makes a reactor on it, and runs the set-up function and then the loop there. Returns after the
    /// set-up.
    ///
    /// - Parameters:
    ///   - name: shown by debuggers and `top -H`; at most 15 bytes of it (proc(5), `comm`).
    ///   - configuration: the reactor's; the default sleeps whenever there is nothing to do.
    ///   - setUp: called once on the new thread, before the loop begins. The caller gives up everything that it
    ///     captures.
    /// - Throws: what `setUp` throws, and ``SystemError`` if no thread or no reactor can be made. If it throws, the
    ///   thread has ended.
    public init(
        name: String = "reactor", configuration: Reactor.Configuration = Reactor.Configuration(),
        setUp: sending @escaping (Reactor) throws -> Void
    ) throws {
        let start = try ThreadStart(name: name, configuration: configuration, setUp: setUp)
        let thread = try start.spawn()
        do {
            executor = try start.waitForReactor()
        } catch {
            thread.join()
            throw error
        }
        handle = Mutex(thread)
    }

    deinit {
        executor.stop()
        if let thread = handle.withLock({ $0.take() }) { thread.detach() }
    }

    /// Ends the loop after its current turn. May be called from any thread, repeatedly; it does not wait.
    public func stop() { executor.stop() }

    /// Waits until the thread has ended. May be called from any thread but its own, repeatedly.
    public func join() {
        precondition(!executor.isCurrent, "a thread cannot wait for itself")
        // Under the lock, so that a second caller waits as well.
        handle.withLock { handle in
            if let thread = handle.take() { thread.join() }
        }
    }
}

/// The values handed to the new thread and back: under a lock, announced by an eventfd.
private final class ThreadStart: Sendable {
    private let name: String
    private let configuration: Reactor.Configuration
    private let setUp: Mutex<((Reactor) throws -> Void)?>
    private let outcome = Mutex<Result<ReactorExecutor, any Error>>(
        .failure(SystemThread.noThread))
    private let ready: WakeUp

    init(
        name: String, configuration: Reactor.Configuration, setUp: sending @escaping (Reactor) throws -> Void
    ) throws(SystemError) {
        self.name = name
        self.configuration = configuration
        self.setUp = Mutex(setUp)
        ready = try WakeUp(blocking: true)
    }

    func spawn() throws(SystemError) -> SystemThread {
        try SystemThread.start(named: name, signals: .inherited) { self.main() }
    }

    func waitForReactor() throws -> ReactorExecutor {
        ready.wait()
        return try outcome.withLock { try $0.get() }
    }

    private func main() {
        do {
            let reactor = try Reactor(configuration: configuration)
            do {
                try setUp.withLock { $0.take() }?(reactor)
            } catch {
                // Objects that the set-up made before it failed, such as a server with its name, end with it.
                reactor.stop()
                reactor.run()
                throw error
            }
            finish(.success(reactor.executor))
            reactor.run()
        } catch {
            finish(.failure(error))
        }
    }

    private func finish(_ result: Result<ReactorExecutor, any Error>) {
        outcome.withLock { $0 = result }
        ready.signal()
    }
}
