// SPDX-License-Identifier: Apache-2.0
#if NATS
import BrokerTestSupport
import Foundation
import Glibc
import NamedPipesRPC
import PipeTestSupport
import Testing

@testable import NamedPipes
@testable import NamedPipesNATS

@Suite(.requiresBroker) struct `A service` {
    @Test func `shares the requests with the others at its name`() throws {
        try withService { stage, first, client in
            let link = try stage.link()
            let second = try link.serve(sums(), at: "sums")
            var isRead = false
            link.whenReadByBroker { isRead = true }
            try #require(stage.loop.run { isRead })
            let answers = try (0..<100).map { index in
                let answer = Answer()
                try client.requestJSON("sums", "add", JSONText("[\(index)]"), timeout: .seconds(600), answer.take)
                return answer
            }
            try #require(stage.loop.run { answers.allSatisfy(\.isThere) })
            #expect(answers.map(\.result) == (0..<100).map { "\($0)" })
            // By chance, all of 100 come to one of two once in 10^29.
            let counts = try [first, second].map { try requestCount(of: $0, stage, client) }
            #expect(counts.reduce(0, +) == 100 && !counts.contains(0))
        }
    }

    @Test func `announces itself as NATS's service protocol says`() throws {
        var configuration = NATSService.Configuration()
        configuration.version = "1.2.3"
        configuration.description = "adds"
        try withService(configuration) { stage, service, client in
            _ = try stage.ask(client, "add", "[1]")
            _ = try stage.ask(client, "fail", "[]")
            for subject in ["$SRV.PING", "$SRV.PING.sums", "$SRV.PING.sums.\(service.id)"] {
                let ping = try object(subject, stage, client)
                #expect(ping["type"] as? String == "io.nats.micro.v1.ping_response")
                #expect(ping["name"] as? String == "sums" && ping["id"] as? String == service.id)
                #expect(ping["version"] as? String == "1.2.3")
            }
            let info = try object("$SRV.INFO.sums", stage, client)
            #expect(info["description"] as? String == "adds")
            let endpoints = try #require(info["endpoints"] as? [[String: Any]])
            #expect(endpoints.map { $0["subject"] as? String }.contains("sums.add"))
            #expect(endpoints.allSatisfy { $0["queue_group"] as? String == "q" })
            let statistics = try endpointStatistics(of: service, stage, client)
            #expect(statistics["add"]?["num_requests"] as? Int == 1 && statistics["add"]?["num_errors"] as? Int == 0)
            #expect(statistics["fail"]?["num_errors"] as? Int == 1)
            #expect((statistics["fail"]?["last_error"] as? String)?.hasPrefix("42:") == true)
        }
    }

    @Test func `refuses requests above its limits`() throws {
        var configuration = NATSService.Configuration()
        configuration.peer.handledRequestLimit = 1
        configuration.peer.waitingByteLimit = 1
        try withService(configuration) { stage, service, client in
            // The first is handled, the last that may wait exceeds the limit, and the third is refused.
            let answers = try (0..<3).map { _ in
                let answer = Answer()
                try client.requestJSON("sums", "wait", timeout: .seconds(600), answer.take)
                return answer
            }
            try #require(stage.loop.run { answers.contains(where: \.isThere) })
            #expect(answers.map(\.error?.code) == [nil, nil, .tooManyRequests])
            service.stop()
            try #require(stage.loop.run { answers.allSatisfy(\.isThere) && service.isStopped })
            #expect(answers.map(\.error?.code) == [.stopping, .stopping, .tooManyRequests])
        }
    }

    @Test func `finishes what has arrived when it stops, and leaves the group`() throws {
        let gate = Gate()
        try withStage { stage in
            let (servers, client) = (try stage.link(), try stage.link())
            var methods = JSONRPCMethods()
            methods.handle("slow") { (_: JSONRPCCall) in
                await gate.pass()
                return "done"
            }
            let service = try servers.serve(methods, at: "sums")
            var isRead = false
            servers.whenReadByBroker { isRead = true }
            try stage.connect(client)
            try #require(stage.loop.run { isRead })
            let answer = Answer()
            try client.requestJSON("sums", "slow", timeout: .seconds(600), answer.take)
            try #require(stage.loop.run { service.handledRequestCount == 1 })
            service.stop(gracePeriod: .seconds(600))
            isRead = false
            servers.whenReadByBroker { isRead = true }
            try #require(stage.loop.run { isRead })
            #expect(try stage.ask(client, "slow").failure as? NATSError == .noServer(subject: "sums.slow"))
            #expect(!service.isStopped)
            gate.open()
            try #require(stage.loop.run { answer.isThere && service.isStopped })
            #expect(answer.result == #""done""#)
            #expect(servers.listeners.isEmpty)
        }
    }

    @Test(arguments: [false, true]) func `answers what the broker had just sent when it stops`(
        _ hasGrace: Bool
    ) throws {
        try withStage { stage in
            // For which a departure waits, too.
            stage.configuration.connectTimeout = .seconds(600)
            // Another loop on the same thread, which turns only while this test lets it: the request stays unread.
            let other = try Loop()
            let servers = try NATSLink(
                servers: [stage.broker.url], configuration: stage.configuration, reactor: other.reactor)
            let service = try servers.serve(sums(), at: "sums")
            var isRead = false
            servers.whenReadByBroker { isRead = true }
            try #require(other.run { isRead })
            let client = try stage.link()
            try stage.connect(client)
            let answer = Answer()
            try client.requestJSON("sums", "add", JSONText("[40,2]"), timeout: .seconds(600), answer.take)
            try stage.settle(client)
            service.stop(gracePeriod: hasGrace ? .seconds(600) : .zero)
            try #require(other.run { service.isStopped })
            try #require(stage.loop.run { answer.isThere })
            #expect(hasGrace ? answer.result == "42" : answer.error?.code == .stopping)
            #expect(try stage.ask(client, "add").failure as? NATSError == .noServer(subject: "sums.add"))
            #expect(other.end() == [])
        }
    }

    @Test func `waits a limited time for a broker that is stuck when it stops`() throws {
        try withService(in: VirtualTime()) { stage, service, client in
            let servers = service.name.link
            stage.broker.signal(SIGSTOP)
            service.stop()
            stage.loop.turn()
            #expect(!service.isStopped)
            stage.loop.reactor.advance(by: stage.configuration.connectTimeout)
            #expect(service.isStopped && servers.listeners.isEmpty)
            for link in [servers, client] { link.close() }
            for _ in 0..<2 { stage.loop.reactor.advance(by: stage.configuration.sessionTimeout) }
            #expect(servers.line == nil && client.line == nil)
            stage.broker.signal(SIGCONT)
        }
    }

    @Test func `sees the trace of its caller, and no other headers`() throws {
        try withStage { stage in
            let (servers, client) = (try stage.link(), try stage.link())
            var methods = JSONRPCMethods()
            methods.handleOthers { _, call in try JSONText(encoding: call.metadata) }
            try servers.serve(methods, at: "sums")
            var isRead = false
            servers.whenReadByBroker { isRead = true }
            try stage.connect(client)
            try #require(stage.loop.run { isRead })
            let answer = Answer()
            let metadata = ["traceparent": "00-0af7-b7ad-01", "tracestate": "a=1\nb", "x-other": "1", "a b": "2"]
            try client.requestJSON("sums", "echo", metadata: metadata, timeout: .seconds(600), answer.take)
            try #require(stage.loop.run { answer.isThere })
            let seen = try JSONText(try #require(answer.result)).decode(as: [String: String].self)
            #expect(seen == ["traceparent": "00-0af7-b7ad-01", "tracestate": "a=1 b"])
        }
    }

    private func object(_ subject: String, _ stage: Stage, _ client: NATSLink) throws -> [String: Any] {
        let answer = Answer()
        client.start(
            PendingRequest(client, .init(subject: subject, payload: []), timeout: .seconds(600), answer.take))
        try #require(stage.loop.run { answer.isThere })
        let text = try #require(answer.result)
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func endpointStatistics(
        of service: NATSService, _ stage: Stage, _ client: NATSLink
    ) throws -> [String: [String: Any]] {
        let statistics = try object("$SRV.STATS.sums.\(service.id)", stage, client)
        #expect(statistics["type"] as? String == "io.nats.micro.v1.stats_response")
        #expect((statistics["started"] as? String)?.hasSuffix("Z") == true)
        let endpoints = try #require(statistics["endpoints"] as? [[String: Any]])
        return Dictionary(uniqueKeysWithValues: endpoints.map { ($0["name"] as? String ?? "", $0) })
    }

    private func requestCount(of service: NATSService, _ stage: Stage, _ client: NATSLink) throws -> Int {
        try endpointStatistics(of: service, stage, client)["add"]?["num_requests"] as? Int ?? 0
    }
}
#endif
