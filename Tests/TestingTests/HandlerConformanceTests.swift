// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipesRPC
import NamedPipesTesting
import Synchronization
import Testing

/// The kit for `async` handlers and for methods of JSON-RPC: faults are found, and correct code passes.
struct HandlerConformanceTests {
    private var conformance = DelegateConformance(messages: ["hello"])

    init() {
        conformance.seeds = 0..<10
        conformance.violationLimit = 1
    }

    private func problem(
        _ handler: nonisolated(nonsending) @escaping @Sendable (AsyncPipeConnection) async throws -> Void
    ) throws -> String? {
        try conformance.check(handler: handler).first?.problem
    }

    // MARK: Handlers

    @Test func `a handler that answers passes`() throws {
        let violations = try conformance.check { connection in
            for try await message in connection.messages { try await connection.send(message) }
        }
        #expect(violations.isEmpty)
    }

    @Test func `a handler that answers by batches passes`() throws {
        let violations = try conformance.check { connection in
            while try await connection.nextBatch({ try connection.trySend($0) }) {}
        }
        #expect(violations.isEmpty)
    }

    @Test func `a handler that does not end with its peer is caught`() throws {
        let problem = try problem { connection in
            for try await _ in connection.messages {}
            try await connection.executor.clock.sleep(for: .seconds(100_000))  // what is tested
        }
        #expect(problem == "did not close a connection whose peer has finished")
    }

    // A task that sleeps on a reactor which has ended never wakes up, and LeakSanitizer is right to count it.
    @Test(.enabled(if: unsafe getenv("PIPES_SANITIZED") == nil))
    func `a handler that outlives its connection is caught`() throws {
        let problem = try problem { connection in
            for try await _ in connection.messages {}
            await connection.close()
            // In a task of its own, which is not cancelled with the handler.
            let work = Task(executorPreference: connection.executor) {
                try await connection.executor.clock.sleep(for: .seconds(500))  // what is tested
            }
            try await work.value
        }
        #expect(problem == "has a handler that continues after its connection has ended")
    }

    @Test func `a handler that throws at its peer's finish loses the replies, and is caught`() throws {
        struct Finished: Error {}
        let problem = try problem { connection in
            for try await message in connection.messages { try await connection.send(message) }
            throw Finished()
        }
        #expect(problem?.hasSuffix("replies to a peer that has finished sending and still reads") == true)
    }

    @Test func `a handler that blocks is caught`() throws {
        let calls = Mutex(0)
        let problem = try problem { connection in
            for try await _ in connection.messages {
                calls.withLock { $0 += 1 }
                let end = ContinuousClock.now + .milliseconds(600)
                while ContinuousClock.now < end {}
            }
        }
        #expect(problem?.hasPrefix("held the loop for more than 0.5 seconds in ") == true)
        #expect(calls.withLock { $0 } <= 6)
    }

    @Test func `a timer that a handler leaves behind is caught`() throws {
        let problem = try problem { connection in
            connection.executor.post { $0.schedule(after: .seconds(1), repeating: .seconds(1)) {} }
            for try await message in connection.messages { try await connection.send(message) }
        }
        #expect(problem?.hasPrefix("leaves a timer behind with every connection: ") == true)
    }

    @Test(arguments: [true, false])
    func `the state of a handler's service may not grow`(forgets: Bool) throws {
        let violations = try conformance.check(service: { _ in Book(forgets: forgets) }) { book, connection in
            book.come(connection.id)
            for try await message in connection.messages { try await connection.send(message) }
            book.go(connection.id)
        }
        let isCaught = violations.first?.problem.hasPrefix("keeps something of every connection that has ended: ")
        #expect(isCaught == (forgets ? nil : true), "\(violations)")
    }

    /// State that handlers share, without the lock that a program would need: here they run on one thread.
    private final class Book: Sendable {
        private nonisolated(unsafe) var names: [PipeConnection.ID: Int] = [:]
        private let forgets: Bool
        init(forgets: Bool) { self.forgets = forgets }
        func come(_ id: PipeConnection.ID) { unsafe names[id] = 1 }
        func go(_ id: PipeConnection.ID) { if forgets { unsafe names[id] = nil } }
    }

    // MARK: Methods

    private static func methods(_ adjust: (inout JSONRPCMethods) -> Void = { _ in }) -> JSONRPCMethods {
        var methods = JSONRPCMethods()
        methods.handle("add") { (numbers: [Int], _) in numbers.reduce(0, &+) }
        adjust(&methods)
        return methods
    }

    private func violations(_ methods: JSONRPCMethods) throws -> [ContractViolation] {
        try conformance.check(methods: methods, calls: [("add", try JSONText("[1, 2]"))])
    }

    @Test func `methods that answer pass`() throws {
        let atOnce = try violations(Self.methods())
        #expect(atOnce.isEmpty)
        let later = Self.methods {
            $0.handle("add") { (numbers: [Int], call) in
                try await call.peer.connection.executor.clock.sleep(for: .seconds(3))  // what is tested
                return numbers.count
            }
        }
        let afterwards = try violations(later)
        #expect(afterwards.isEmpty)
    }

    @Test func `a method that never answers is caught`() throws {
        let methods = Self.methods {
            $0.handle("add") { (_: [Int], call) in
                while !Task.isCancelled {
                    try? await call.peer.connection.executor.clock.sleep(for: .seconds(10))  // what is tested
                }
            }
        }
        #expect(try violations(methods).first?.problem == "did not close a connection whose peer has finished")
    }

    @Test func `a method that blocks is caught`() throws {
        let methods = Self.methods {
            $0.handle("add") { (_: [Int], _) in
                let end = ContinuousClock.now + .milliseconds(600)
                while ContinuousClock.now < end {}
            }
        }
        #expect(try violations(methods).first?.problem.hasPrefix("held the loop for more than 0.5 seconds in ") == true)
    }
}
