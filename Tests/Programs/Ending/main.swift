// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Glibc
import NamedPipes
import NamedPipesProgram

// Ends in the way that its first argument names, for the tests of NamedPipesProgram.
//
//     Ending WAY [ADDRESS]

let way = CommandLine.arguments.dropFirst().first ?? ""
if !way.hasPrefix("async-") { endAtOnce(way) }

await PipeProgram.run { program in
    let address = try program.arguments(usage: "Ending WAY [ADDRESS]", atMost: 2).values.last ?? ""
    switch way {
    case "async-sleep":
        PipeProgram.report("ready")
        try await Task.sleep(for: .seconds(3600))  // what is tested
    case "async-cancelled":
        throw CancellationError()
    case "async-operation":
        try await waitForStop(in: program)
    case "async-stuck":
        // No signal but the second one gets through to a handler that neither returns nor notices its cancellation.
        try await program.serve(at: PipeAddress(parsing: address), gracePeriod: .seconds(3600)) { connection in
            try await connection.send("here")
            await unsafe withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        }
    case "async-dispatch":
        // As a service group takes its signals.
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        let source = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .global())
        source.setEventHandler { stop.yield() }
        source.setRegistrationHandler { PipeProgram.report("ready") }
        source.activate()
        for await _ in stops { break }
        throw CancellationError()
    case "async-pool":
        try await program.serve(at: PipeAddress(parsing: address), reactors: 2) { connection in
            for try await message in connection.messages { try await connection.send(message) }
        }
        PipeProgram.report("stopped")
    case "async-failing":
        try await program.serve(at: PipeAddress(parsing: address)) { _ in throw Mistake() }
    default:
        try await program.serve(at: PipeAddress(parsing: address)) { connection in
            for try await message in connection.messages { try await connection.send(message) }
        }
        PipeProgram.report("stopped, stopping: \(program.isStopping), cancelled: \(Task.isCancelled)")
    }
}

/// The error of a program's own.
struct Mistake: Error, CustomStringConvertible {
    let description = "made a mistake\non two lines"
}

/// Not an async context, in which the other `run` would be meant.
func endAtOnce(_ way: String) -> Never {
    PipeProgram.run { program in
        switch way {
        case "mistake": throw Mistake()
        case "failure": throw ProgramFailure("gave up", status: 7)
        case "silent": throw ProgramFailure(status: 5)
        case "timeout": throw PipeError.timedOut
        case "address": _ = try PipeAddress.path("not/absolute")
        case "no-server": throw PipeError.noServer(try .path("/nowhere"))
        case "print": print("printed")
        case "print-and-wait":
            print("printed")
            try Reactor().run { false }
        case "reactor": try program.run(Reactor())
        case "two-servers": try serveTwice(program, at: CommandLine.arguments[2])
        case "run-before": try forgetClient { $0.run { true } }
        case "never-run": try forgetClient()
        case "never-run-elsewhere":
            let isMade = DispatchSemaphore(value: 0)
            DispatchQueue.global().async {
                do { try forgetClient() } catch { PipeProgram.report("\(error)") }
                isMade.signal()
            }
            isMade.wait()
        case "never-run-forked":
            try forgetClient()
            let process = forkProcess()
            if process == 0 { exit(0) }
            var status: Int32 = 0
            guard unsafe waitpid(process, &status, 0) == process, status == 0 else {
                throw ProgramFailure("the child ended with \(status)")
            }
        default: break
        }
    }
}

/// A client whose reactor no one runs from now on.
func forgetClient(_ use: (Reactor) -> Void = { _ in }) throws {
    let reactor = try Reactor()
    use(reactor)
    PipeClient(address: try .path("/nowhere"), reactor: reactor, delegate: Forgotten()).connect()
}

/// fork(2), which Swift hides.
func forkProcess() -> pid_t {
    guard let address = unsafe dlsym(nil, "fork") else { return -1 }
    return unsafe unsafeBitCast(address, to: (@convention(c) () -> pid_t).self)()
}

/// Serves `ADDRESS` and `ADDRESS.far`, whose clients wait until the first server has stopped.
func serveTwice(_ program: PipeProgram, at address: String) throws {
    let reactor = try Reactor()
    let last = Last()
    let far = try PipeServer(listeningOn: .path("\(address).far"), reactor: reactor, delegate: last)
    let first = First { last.connection?.resumeReceiving() }
    let near = try PipeServer(listeningOn: .path(address), reactor: reactor, delegate: first)
    try program.run(
        reactor, announcing: near, alsoStopping: [far], gracePeriod: .seconds(3600),
        whenStopped: {
            var isRunning = false
            reactor.schedule(after: .zero) { isRunning = true }
            reactor.run { isRunning }
            PipeProgram.report("stopped: \(near.isStopped), \(far.isStopped), the loop runs: \(isRunning)")
        })
}

final class First: PipeServerDelegate {
    private let whenStopped: () -> Void

    init(whenStopped: @escaping () -> Void) { self.whenStopped = whenStopped }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}

    func serverDidStop(_ server: PipeServer) { whenStopped() }
}

final class Last: PipeServerDelegate {
    private(set) var connection: PipeConnection?

    func connectionDidOpen(_ connection: PipeConnection) {
        self.connection = connection
        connection.pauseReceiving()
        _ = try? connection.send("paused")
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        PipeProgram.report("received \(message.count) bytes")
    }
}

final class Forgotten: PipeClientDelegate {
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
}

/// A part of the program that a signal ends in order.
func waitForStop(in program: PipeProgram) async throws {
    let (stops, stop) = AsyncStream.makeStream(of: Void.self)
    await program.withStopHandler {
        PipeProgram.report("ready")
        for await _ in stops { break }
    } onStop: {
        PipeProgram.report("stopping")
        stop.yield()
    }
    PipeProgram.report("cancelled: \(Task.isCancelled)")
    throw CancellationError()
}
