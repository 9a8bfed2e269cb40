// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import NamedPipesProgram
import Testing

/// The files of the name that still exist.
func leftovers(of path: String) -> [String] {
    let url = URL(filePath: path)
    let names = try? FileManager.default.contentsOfDirectory(atPath: url.deletingLastPathComponent().path)
    return (names ?? []).filter { $0.contains(url.lastPathComponent) }
}

func removeLeftovers(of path: String) {
    let directory = URL(filePath: path).deletingLastPathComponent()
    for name in leftovers(of: path) { try? FileManager.default.removeItem(at: directory.appending(path: name)) }
}

@Suite(.timeLimit(.minutes(5)))
struct SignalTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    @Test(arguments: ["echo", "listen"])
    func `SIGTERM stops a server and removes its name`(_ command: String) throws {
        let path = try #require(try PipeAddress.unique(prefix: "pipectl-test").path)
        // A lock stays beside a name that may be taken again; this one will not be.
        defer { removeLeftovers(of: path) }
        let server = try serve(reactor, command, path)
        #expect(leftovers(of: path).contains(URL(filePath: path).lastPathComponent))
        server.terminate()
        #expect(server.waitForExit() == 0)
        #expect(server.text.contains("stopped after 0 connections"))
        #expect(!leftovers(of: path).contains(URL(filePath: path).lastPathComponent))
    }

    @Test func `the first signal gives a client that does not read time, the second one none`() throws {
        let server = try serve(reactor, "echo", name, "--grace", "0")
        let client = PipeClient(address: try PipeAddress(parsing: name), reactor: reactor, delegate: Flood())
        client.connect()
        // More than the kernel holds between the two has left, so the server is left with replies that the client does
        // not read.
        #expect(reactor.run(timeout: deadline) { client.connection.map { $0.pendingByteCount < 7 << 20 } ?? false })
        server.terminate()
        // No event on our reactor tells of the name's end, so the loop asks repeatedly.
        let ticker = reactor.schedule(after: .milliseconds(10), repeating: .milliseconds(10)) {}
        #expect(reactor.run(timeout: deadline) { isRefused(name) })
        ticker.cancel()
        #expect(!server.text.contains("stopped"))
        #expect(server.terminateUntilItEnds() == 0)
        #expect(server.text.contains("the server stopped"))
        client.connection?.abort()
    }

    @Test func `the second signal ends a program that is blocked by the reader of its output`() throws {
        let directory = try Directory()
        let path = directory.path + "/output"
        #expect(unsafe mkfifo(path, 0o600) == 0)
        let reading = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        defer { close(reading) }
        let server = try Tool(reactor, ["listen", name], errors: .dropped, redirection: ">'\(path)'")
        // No event on our reactor tells of the name, or of the bytes in the FIFO, so the loop asks repeatedly.
        let ticker = reactor.schedule(after: .milliseconds(10), repeating: .milliseconds(10)) {}
        defer { ticker.cancel() }
        #expect(reactor.run(timeout: deadline) { !isRefused(name) })
        let sender = try Tool(reactor, ["send", name, String(repeating: "x", count: 100_000)])
        var unread: Int32 = 0
        #expect(
            reactor.run(timeout: deadline) {
                unsafe ioctl(reading, UInt(FIONREAD), &unread) == 0 && unread >= 60_000
            })
        #expect(server.terminateUntilItEnds() != 0)
        _ = sender
    }

    /// Opens a FIFO for writing once another process has opened it for reading.
    private func openForWriting(_ path: String) throws -> Int32 {
        var descriptor: Int32 = -1
        let ticker = reactor.schedule(after: .milliseconds(2), repeating: .milliseconds(2)) {}
        defer { ticker.cancel() }
        let isOpen = reactor.run(timeout: deadline) {
            descriptor = unsafe open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
            return descriptor >= 0
        }
        try #require(isOpen)
        return descriptor
    }

    @Test func `one signal ends a program that waits for a file before it does anything`() throws {
        let directory = try Directory()
        let (first, second) = (directory.path + "/first", directory.path + "/second")
        unsafe #expect(mkfifo(first, 0o600) == 0 && mkfifo(second, 0o600) == 0)
        // It has opened the first one, and waits for a writer of the second one.
        let sender = try Tool(
            reactor,
            ["send", name, "x", "--framing", "descriptors", "--descriptor", first, "--descriptor", second])
        let writer = try openForWriting(first)
        defer { close(writer) }
        sender.terminate()
        #expect(sender.waitForExit() == 128 + SIGTERM, "\(sender.text)")
        // It has opened the file, and waits for its bytes.
        let replay = try Tool(reactor, ["replay", second, name])
        let other = try openForWriting(second)
        defer { close(other) }
        replay.terminate()
        #expect(replay.waitForExit() == 128 + SIGTERM, "\(replay.text)")
    }

    @Test func `a client that never had a connection fails if it is interrupted`() throws {
        let client = try Tool(reactor, ["connect", name, "--wait", "-v", "--timeout", "600s"])
        client.waitFor("connecting to ")
        client.terminate()
        #expect(client.waitForExit() == 1)
        #expect(client.lines.last == "pipectl: interrupted")
    }

    @Test func `signals within half a second are one, whatever their kinds`() {
        var count = StopSignalCount()
        let times = [0, 1, 499, 500, 501, 999, 1000, 5000, 5499]
        #expect(times.map { count.next(at: .milliseconds($0)) } == [1, nil, nil, 2, nil, nil, 3, 4, nil])
    }

    @Test func `an interrupted sender reports how many it sent`() throws {
        let server = try serve(reactor, "echo", name)
        let sender = try Tool(reactor, ["send", name, "--reply"])
        sender.write("one\n")
        sender.waitFor("one\n")
        sender.terminate()
        #expect(sender.waitForExit() == 1)
        #expect(sender.lines.last == "pipectl: interrupted (1 sent, 1 answered)")
        _ = server
    }

    /// Whether no client can connect to the name any more.
    private func isRefused(_ name: String) -> Bool {
        guard let probe = try? Reactor(), let address = try? PipeAddress(parsing: name) else { return false }
        let delegate = Probe()
        PipeClient(address: address, reactor: probe, delegate: delegate).connect()
        probe.run(timeout: deadline) { delegate.outcome != nil }
        probe.stop()
        probe.run()
        return delegate.outcome == false
    }

    /// Sends 8 MiB and reads nothing.
    private final class Flood: PipeClientDelegate {
        func connectionDidOpen(_ connection: PipeConnection) {
            connection.pauseReceiving()
            let message = [UInt8](repeating: 1, count: 64 << 10)
            for _ in 0..<128 { _ = try? connection.send(message) }
        }

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
    }

    private final class Probe: PipeClientDelegate {
        var outcome: Bool?

        func connectionDidOpen(_ connection: PipeConnection) { outcome = true }

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}

        func client(_ client: PipeClient, didFailToConnectWith error: PipeError) { outcome = false }
    }
}
