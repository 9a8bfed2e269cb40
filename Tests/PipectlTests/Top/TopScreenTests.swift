// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Glibc
import NamedPipes
import NamedPipesProgram
import NamedPipesRPC
import Testing

@testable import pipectl

extension TerminalTool {
    /// The number of reports, each of which begins at the top of the screen.
    fileprivate var reportCount: Int { text.split(separator: "\u{1B}[H").count }
}

/// `pipectl top` on a terminal.
@Suite(.timeLimit(.minutes(5)))
struct TopScreenTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    /// Starts a server with statistics, and `top` on a terminal once it can be asked.
    private func start(reactors: String = "1") throws -> (Tool, TerminalTool) {
        let server = try serve(reactor, "echo", name, "--stat", "--reactors", reactors)
        while try run(reactor, "top", name, "--once", "--timeout", "600s", errors: .dropped).status != 0 {}
        // Only a key draws again.
        let arguments = ["top", name, "--interval", "10h", "--timeout", "600s"]
        return (server, try TerminalTool(reactor, arguments))
    }

    @Test func `arrow keys change the order, and q quits`() throws {
        let (server, top) = try start()
        top.waitFor("by queued")
        #expect(!top.isAsFound)
        top.type("\u{1B}[C")
        top.waitFor("by received")
        top.type("<<")
        top.waitFor("by age")
        #expect(top.text.contains("\u{1B}[1mID "))
        top.type("q")
        #expect(top.waitForExit() == .exited(0))
        #expect(top.isAsFound)
        #expect(
            top.screen.lines.prefix(2) == [
                "\(name)  0 connections", "sorted by age  (< and > change the order, q quits)",
            ])
        _ = server
    }

    @Test func `Ctrl-C quits, and Space draws at once`() throws {
        let (server, top) = try start()
        top.waitFor("0 connections")
        let client = try Sender(to: name, on: reactor)
        // So that the server has accepted it.
        try client.send("hello")
        #expect(client.received(1) == ["hello"])
        top.type(" ")
        top.waitUntil { $0.lines.first == "\(name)  1 connection" }
        top.type("\u{3}")
        #expect(top.waitForExit() == .exited(0))
        #expect(top.isAsFound)
        _ = (server, client)
    }

    @Test func `the workers of a pool have a line each`() throws {
        let (server, top) = try start(reactors: "2")
        // The heading below the workers' lines.
        top.waitFor("PROGRAM")
        let lines = top.screen.lines
        #expect(lines.dropFirst(3).prefix(2).map { $0.split(separator: " ").first } == ["0", "1"])
        #expect(lines.allSatisfy { $0.count <= 80 })
        top.type("q")
        #expect(top.waitForExit() == .exited(0))
        _ = server
    }

    @Test func `rates and load of workers are those between two samples`() throws {
        func sample(_ seconds: Double, _ received: [Int], _ cpu: [String: Double], process: Int = 1) throws
            -> WorkerSample
        {
            let workers = received.map {
                #"{"openCount": 1, "receivedMessageCount": \#($0), "queuedByteCount": 1500, "closed": {}, "refused": {}}"#
            }
            let text = """
                {"address": "@a", "processID": \(process), "seconds": \(seconds), "closed": {}, "refused": {}, \
                "workers": [\(workers.joined(separator: ", "))]}
                """
            return WorkerSample(try JSONText(text).decode(as: ServerSnapshot.self), threads: cpu)
        }
        let first = try sample(10, [0, 100], ["pool 0": 1, "pool 1": 5, "other": 7])
        let second = try sample(12, [3000, 100], ["pool 0": 2, "other": 8])
        let lines = WorkerReport(second, since: first).lines().map { $0.split(separator: " ") }
        #expect(lines[1] == ["0", "1", "1,500", "0", "1.5", "kB", "50%"])
        // Its thread cannot be told from others.
        #expect(lines[2] == ["1", "1", "0", "0", "1.5", "kB", "-"])
        // A first sample, and that of another process, have no rates.
        for last in [nil, try sample(10, [0, 100], [:], process: 2)] {
            let lines = WorkerReport(second, since: last).lines().map { $0.split(separator: " ") }
            #expect(lines[1] == ["0", "1", "-", "-", "1.5", "kB", "-"])
        }
        #expect(WorkerReport(try sample(1, [], [:]), since: nil).lines().isEmpty)
        let many = WorkerReport(try sample(1, [Int](repeating: 0, count: 40), [:]), since: nil).lines()
        #expect(many.suffix(2) == ["… 24 more", ""])
    }

    @Test func `a thread's time is known by its name, if that is its own`() throws {
        let names = ["own", "shared"].map { "\($0) \(UInt32.random(in: .min ... .max) % 10_000_000)" }
        let (began, ends) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        // Three, so that the third is not taken for the first again.
        let threads = try [names[0], names[1], names[1], names[1]].map { name in
            try ReactorThread(name: name) { [isBusy = name == names[0]] reactor in
                reactor.schedule(after: .zero) {
                    // The kernel counts in hundredths of a second.
                    while isBusy, ThreadFacts.cpuSeconds(of: getpid())[name, default: 0] == 0 {}
                    began.signal()
                    ends.wait()
                }
            }
        }
        for _ in threads { began.wait() }
        let facts = ThreadFacts.cpuSeconds(of: getpid())
        for _ in threads { ends.signal() }
        #expect(facts[names[0]].map { $0 > 0 } == true)
        #expect(facts[names[1]] == nil)
        #expect(ThreadFacts.cpuSeconds(of: 0).isEmpty)
        for thread in threads {
            thread.stop()
            thread.join()
        }
    }

    @Test func `in the background, it reports and leaves keys and terminal to others`() throws {
        let server = try serve(reactor, "echo", name, "--stat")
        while try run(reactor, "top", name, "--once", "--timeout", "600s", errors: .dropped).status != 0 {}
        let script = #""$0" "$@" & read -r line; read -r line; kill $!; wait $!; echo "status $?""#
        let top = try TerminalTool(reactor, ["top", name, "--interval", "10ms", "--timeout", "600s"], script: script)
        top.waitFor("by queued")
        #expect(top.isAsFound)
        // Keys for the shell, and two whole reports after them.
        top.type("q\r")
        let count = top.reportCount + 2
        top.waitUntil { _ in top.reportCount > count }
        top.type("\r")
        top.waitFor("status 0")
        #expect(top.waitForExit() == .exited(0))
        #expect(top.isAsFound)
        _ = server
    }

    @Test func `a key that comes during a request ends the next wait, and only that`() async throws {
        for key in [Key.right, .enter, .scalar("q")] {
            let keyboard = TopKeyboard(TopChoice(order: .queued))
            keyboard.press(.scalar("x"))
            #expect(!keyboard.isWoken)
            keyboard.press(key)
            try await keyboard.wait(.seconds(36_000))
            #expect(!keyboard.isWoken)
            #expect(keyboard.hasQuit == (key == .scalar("q")))
        }
    }

    @Test func `keys choose among all orders, round and round`() {
        var choice = TopChoice(order: .age)
        #expect(choice.press(.right) == .refreshes && choice.order == .queued)
        #expect(choice.press(.left) == .refreshes && choice.order == .age)
        for key in [Key.scalar("q"), .scalar("Q")] { #expect(choice.press(key) == .quits) }
        #expect(choice.press(.control("Z")) == .suspends && choice.press(.scalar("x")) == .none)
        #expect(choice == TopChoice(order: .age))
    }
}
