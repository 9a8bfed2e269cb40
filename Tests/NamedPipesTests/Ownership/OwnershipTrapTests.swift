// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import PipeTestSupport
import Synchronization
import Testing

// HOSTILE 55 and 56. Debug builds keep these promises and are tested for them; release builds do not check.

#if DEBUG
private let isDebugBuild = true
#else
private let isDebugBuild = false
#endif

@Suite(.enabled(if: isDebugBuild, "release builds do not look")) struct `55 · on a foreign thread` {
    @Test func `sending on a connection ends the process`() async {
        await #expect(processExitsWith: .failure) { try elsewhere { _ = try? $0.connection.send("hello") } }
    }

    @Test func `closing a connection ends the process`() async {
        await #expect(processExitsWith: .failure) { try elsewhere { $0.connection.close() } }
    }

    @Test func `stopping a server ends the process`() async {
        await #expect(processExitsWith: .failure) { try elsewhere { $0.server.stop() } }
    }

    @Test func `broadcasting ends the process`() async {
        await #expect(processExitsWith: .failure) { try elsewhere { _ = try? $0.server.broadcast("hello") } }
    }

    @Test func `telling a client to connect ends the process`() async {
        await #expect(processExitsWith: .failure) { try elsewhere { $0.client.connect() } }
    }

    @Test func `setting a timer ends the process`() async {
        await #expect(processExitsWith: .failure) { try elsewhere { $0.reactor.schedule(after: .zero) {} } }
    }

    @Test func `everything made for it works: references, senders and the executor`() async {
        await #expect(processExitsWith: .success) { try useWhatMayBeUsed() }
    }

    @Test func `objects that have ended with their reactor may be released`() async {
        await #expect(processExitsWith: .success) {
            let stage = try OwnedStage()
            stage.reactor.stop()
            stage.reactor.run()
            try onAnotherThread(stage) { stage in
                stage.connection.close()
                stage.server.stop()
                stage.client.disconnect()
            }
        }
    }
}

@Suite struct `56 · in a forked child that runs no other program` {
    @Test(.enabled(if: isDebugBuild, "release builds do not look"))
    func `using the server ends the child, and the parent serves on`() async {
        await #expect(processExitsWith: .success) {
            try forkAndServe { stage in
                stage.server.stop()
                return 0
            } expecting: { wasKilled, _ in
                wasKilled
            }
        }
    }

    @Test func `running the reactor ends the child, and the parent serves on`() async {
        await #expect(processExitsWith: .success) {
            try forkAndServe { stage in
                stage.reactor.run(timeout: .zero) { false }
                return 0
            } expecting: { wasKilled, _ in
                wasKilled
            }
        }
    }

    @Test func `returning from a callback that forked ends the child, and the parent alone serves on`() async {
        await #expect(processExitsWith: .success) { try forkInsideACallback() }
    }

    @Test func `a reactor of its own runs, and does not hide that the parent's is unusable`() async {
        await #expect(processExitsWith: .success) {
            try forkAndServe { stage in
                guard let own = try? Reactor() else { return 1 }
                var count = 0
                own.schedule(after: .zero) { count += 1 }
                guard own.run(timeout: Loop.patience, until: { count == 1 }) else { return 2 }
                stage.reactor.run(timeout: .zero) { false }
                return 3
            } expecting: { wasKilled, _ in
                wasKilled
            }
        }
    }

    @Test func `leaving everything alone does no harm, and the parent serves on`() async {
        await #expect(processExitsWith: .success) {
            try forkAndServe { _ in
                7
            } expecting: { wasKilled, status in
                !wasKilled && status == 7
            }
        }
    }
}

/// A server and a client of it on one reactor, connected.
private final class OwnedStage {
    let reactor: Reactor
    let recorder: Recorder
    let server: PipeServer
    let client: PipeClient
    let connection: PipeConnection

    init() throws {
        reactor = try Reactor()
        recorder = Recorder(reactor)
        let address = try PipeAddress.unique(prefix: "owned")
        server = try PipeServer(listeningOn: address, reactor: reactor, delegate: recorder)
        client = PipeClient(address: address, reactor: reactor, delegate: recorder)
        client.connect()
        let recorder = recorder
        try #require(reactor.run(timeout: Loop.patience) { recorder.openCount == 2 })
        connection = try #require(recorder.connections.first { $0.server != nil })
    }

    func exchange(_ text: String) throws {
        let count = recorder.messageCount
        try client.send(text)
        let recorder = recorder
        try #require(reactor.run(timeout: Loop.patience) { recorder.messageCount == count + 1 })
    }
}

private func elsewhere(_ use: @escaping @Sendable (OwnedStage) -> Void) throws {
    signal(SIGILL, SIG_DFL)
    signal(SIGTRAP, SIG_DFL)
    try onAnotherThread(OwnedStage(), use)
}

/// What the compiler forbids; code that circumvents it is caught in debug builds.
private func onAnotherThread(_ stage: OwnedStage, _ use: @escaping @Sendable (OwnedStage) -> Void) throws {
    // Unsafe on purpose: the test is that this is caught at run time.
    nonisolated(unsafe) let stage = stage
    let isDone = Flag()
    let thread = try ReactorThread { _ in
        unsafe use(stage)
        isDone.raise()
    }
    thread.stop()
    thread.join()
    #expect(isDone.isRaised)
}

private func useWhatMayBeUsed() throws {
    let stage = try OwnedStage()
    let (server, client, sender) = (stage.server.reference, stage.client.reference, stage.connection.sender)
    let thread = try ReactorThread { _ in
        sender.post(Array("tick".utf8))
        client.perform { $0.disconnect() }
        server.perform { $0.stop(gracePeriod: .seconds(60)) }
    }
    let recorder = stage.recorder
    try #require(
        stage.reactor.run(timeout: Loop.patience) { recorder.stopCount == 1 && stage.client.state == .disconnected })
    stage.reactor.stop()
    stage.reactor.run()
    thread.stop()
    thread.join()
    #expect(recorder.violations == [])
}

/// Forks; the child does something and exits with its result. The parent then serves as before.
private func forkAndServe(
    _ child: (OwnedStage) -> Int32, expecting isRight: (_ wasKilled: Bool, _ status: Int32) -> Bool
) throws {
    let stage = try OwnedStage()
    try stage.exchange("before")
    let process = try forkProcess()
    if process == 0 { _exit(child(stage)) }
    let status = exitStatus(of: process)
    #expect(isRight(status & 0x7f != 0, status >> 8 & 0xff))
    try serveOn(stage)
}

private func forkInsideACallback() throws {
    let stage = try OwnedStage()
    try stage.exchange("before")
    var process: pid_t = -1
    stage.recorder.whenReceived = { connection, _ in
        guard connection.server != nil, process == -1 else { return }
        process = (try? forkProcess()) ?? -1
        // A child that goes on is ended by another signal.
        if process == 0 { alarm(30) }
    }
    try stage.exchange("fork")
    try #require(process > 0)
    let signal = exitStatus(of: process) & 0x7f
    #expect(signal != 0 && signal != SIGALRM, "the child went on")
    stage.recorder.whenReceived = { _, _ in }
    try serveOn(stage)
}

/// Swift hides fork(2) for a reason: only the calling thread goes on in the child.
private func forkProcess() throws -> pid_t {
    typealias Fork = @convention(c) () -> Int32
    let fork = try #require(unsafe dlsym(nil, "fork").map { unsafe unsafeBitCast($0, to: Fork.self) })
    let process = fork()
    if process == 0 {
        // Ends at once, without a report, for which the child lacks the threads.
        for number in [SIGILL, SIGTRAP, SIGABRT] { signal(number, SIG_DFL) }
    }
    return process
}

private func exitStatus(of process: pid_t) -> Int32 {
    var status: Int32 = 0
    let ended = unsafe waitpid(process, &status, 0)
    #expect(ended == process)
    return status
}

private func serveOn(_ stage: OwnedStage) throws {
    try stage.exchange("after")
    #expect(stage.server.isListening && stage.connection.isOpen)
    let late = try RawPeer(connectingTo: stage.server.address)
    let recorder = stage.recorder
    try #require(stage.reactor.run(timeout: Loop.patience) { recorder.openCount == 3 })
    late.finishWriting()
    stage.reactor.stop()
    stage.reactor.run()
    #expect(recorder.violations == [])
}
