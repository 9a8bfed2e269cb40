// SPDX-License-Identifier: Apache-2.0
#if Service
import Glibc
import Logging
import NamedPipes
import PipeTestSupport
import Testing

@testable import NamedPipesService

private struct Quotation: Error { let text: String }

@Suite struct `The log of a service` {
    @Test func `says who came and who left, and nothing of the messages`() async throws {
        let running = try Running()
        try await running.run { _ in
            let answer = try await ask(running.address, "confidential")
            #expect(answer == "confidential")
            #expect(await eventually { running.journal.lines.contains("debug disconnected") })
        }
        let arrival = try #require(running.journal.metadata("debug connected"))
        #expect(arrival["pipe.address"] == "\(running.address)")
        #expect(arrival["pipe.peer.pid"] == "\(getpid())")
        #expect(arrival["pipe.peer.uid"] == "\(getuid())")
        let end = try #require(running.journal.metadata("debug disconnected"))
        #expect(end["pipe.connection"] == arrival["pipe.connection"])
        #expect(end["pipe.connection"] != nil)
        #expect(end["pipe.reason"] == "closedByPeer")
        #expect(!running.journal.text.contains("confidential"))
    }

    @Test func `knows the connection within its handler, as the current logger`() async throws {
        let running = try Running()
        try await running.run { connection in
            for try await _ in connection.messages {
                Logger.current.info("at work")
                try await connection.send("done")
            }
        } while: { _ in
            let answer = try await ask(running.address, "x")
            #expect(answer == "done")
        }
        let work = try #require(running.journal.metadata("info at work"))
        #expect(work["pipe.connection"] == running.journal.metadata("debug connected")?["pipe.connection"])
        #expect(work["pipe.address"] == "\(running.address)")
    }

    @Test func `notes peers that break the framing, without their bytes`() async throws {
        let running = try Running()
        try await running.run { _ in
            let peer = try RawPeer(connectingTo: running.address)
            peer.writeAll([0, 0, 0, 9] + Array("secret".utf8))
            peer.close()
            #expect(await eventually { running.journal.lines.contains("notice disconnected") })
        }
        #expect(running.journal.metadata("notice disconnected")?["pipe.reason"] == "truncatedByPeer")
        #expect(!running.journal.text.contains("secret"))
    }

    @Test(arguments: [false, true])
    func `names the type of a handler's error, and its text on demand`(_ logsErrors: Bool) async throws {
        var running = try Running()
        running.configuration.logsHandlerErrors = logsErrors
        try await running.run { connection in
            for try await message in connection.messages { throw Quotation(text: String(copying: message) ?? "") }
        } while: { [running] _ in
            let answer = try await ask(running.address, "secret")
            #expect(answer == nil)
            #expect(await eventually { running.journal.lines.contains("warning handler failed") })
        }
        let detail = running.journal.metadata("warning handler failed")?["pipe.detail"]
        #expect(detail == (logsErrors ? #"Quotation(text: "secret")"# : "Quotation"))
    }

    @Test func `notes which clients were refused, and why`() async throws {
        var running = try Running()
        running.configuration.server.accessPolicy = .users([1 << 30])
        try await running.run { [running] _ in
            let peer = try RawPeer(connectingTo: running.address)
            #expect(await eventually { running.journal.lines.contains("notice refused") })
            peer.close()
        }
        let refusal = running.journal.metadata("notice refused")
        #expect(refusal?["pipe.reason"] == "policy")
        #expect(refusal?["pipe.peer.pid"] == "\(getpid())")
    }

    @Test func `reports that the service manager does not listen`() async throws {
        var running = try Running()
        let directory = try FreshDirectory()
        running.configuration.notifier = ServiceNotifier(address: try directory.address("nobody"))
        try await running.run { _ in }
        #expect(running.journal.lines.contains("warning the service manager does not hear"))
    }

    @Test func `tells the totals of the run beside the numbers of the stop`() async throws {
        let running = try Running()
        try await running.run { _ in
            for text in ["a", "b"] { _ = try await ask(running.address, text) }
            #expect(await eventually { running.journal.lines.count { $0 == "debug disconnected" } == 2 })
        }
        let stop = try #require(running.journal.metadata("info stopped"))
        #expect(stop["pipe.delivered"] == "0" && stop["pipe.sent"] == "0")
        #expect(stop["pipe.total_connections"] == "2")
        #expect(stop["pipe.total_received"] == "2" && stop["pipe.total_sent"] == "2")
        #expect(stop["pipe.total_lost"] == "0")
    }

    @Test func `names another protocol by its header`() async throws {
        let running = try Running()
        try await running.run { _ in
            let peer = try RawPeer(connectingTo: running.address)
            peer.writeAll(Array("GET /secret HTTP/1.1\r\n\r\n".utf8))
            #expect(await eventually { running.journal.lines.contains("notice disconnected") })
            peer.close()
        }
        let detail = try #require(running.journal.metadata("notice disconnected")?["pipe.detail"])
        #expect(detail.contains("is the text \"GET \", as in HTTP"))
        #expect(!running.journal.text.contains("secret"))
    }

    @Test func `is quiet at its usual level`() async throws {
        let running = try Running(level: .info)
        try await running.run { _ in _ = try await ask(running.address, "x") }
        #expect(running.journal.lines == ["info listening", "info shutting down", "info stopped"])
    }
}

@Suite struct `The limit of a log` {
    @Test func `lets ten lines a second through, and counts the others`() {
        var limit = LogLimit()
        let start = ContinuousClock.now
        let first = (0..<25).map { _ in limit.admit(at: start) }
        #expect(first == Array(repeating: 0, count: 10) + Array(repeating: nil, count: 15))
        #expect(limit.admit(at: start + .milliseconds(999)) == nil)
        #expect(limit.admit(at: start + .seconds(1)) == 16)
        #expect(limit.admit(at: start + .seconds(1)) == 0)
    }
}
#endif
