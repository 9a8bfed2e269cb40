// SPDX-License-Identifier: Apache-2.0
#if NATS
import BrokerTestSupport
import Foundation
import PipeTestSupport
import Testing

@testable import NamedPipes
@testable import NamedPipesNATS

@Suite(.requiresBroker) struct `A link to a broker with rules` {
    @Test func `tells a client at once that it may not open sessions`() throws {
        try withStage(
            configuration: """
                authorization { users = [
                  { user: ann, password: a, permissions: { publish: ["_INBOX.>"], subscribe: [">"] } } ] }
                """
        ) { stage in
            stage.configuration.credentials = .user("ann", password: "a")
            let link = try stage.link()
            var events: [NATSLink.Event] = []
            link.onEvent = { events.append($0) }
            try stage.connect(link)
            let (_, recorder) = try stage.client(link)
            try #require(stage.loop.run { !recorder.failures.isEmpty })
            guard case .linkFailed(let text) = recorder.failures[0] else {
                Issue.record("\(recorder.failures)")
                return
            }
            #expect(text.contains("does not permit") && text.contains("pipes.echo.open"))
            #expect(events.contains { if case .refused(.notPermitted) = $0 { true } else { false } })
            #expect(link.state == .connected(stage.broker.url))
        }
    }

    @Test func `reports that a server may not listen`() throws {
        try withStage(
            configuration: """
                authorization { users = [
                  { user: ann, password: a, permissions: { publish: [">"], subscribe: ["_INBOX.>"] } } ] }
                """
        ) { stage in
            stage.configuration.credentials = .user("ann", password: "a")
            let link = try stage.link()
            var refusals: [NATSError] = []
            link.onEvent = { if case .refused(let error) = $0 { refusals.append(error) } }
            _ = try stage.server(link)
            try #require(stage.loop.run { !refusals.isEmpty })
            guard case .notPermitted(let text) = refusals[0] else {
                Issue.record("\(refusals)")
                return
            }
            #expect(text.contains("pipes.echo.open"))
        }
    }

    @Test(.enabled(if: Certificates.openssl != nil, "openssl is not installed"))
    func `uses TLS, and refuses a certificate of an authority that it does not know`() throws {
        let certificates = try Certificates()
        try withStage([
            "--tls", "--tlscert", certificates.path("server.pem"), "--tlskey", certificates.path("server.key"),
        ]) { stage in
            stage.configuration.tls = NATSLink.TLS()
            stage.configuration.tls?.authoritiesPath = certificates.path("other.pem")
            let wrong = try stage.link()
            try #require(stage.loop.run { if case .waiting(_, .tls) = wrong.state { true } else { false } })
            wrong.close()
            stage.configuration.tls?.authoritiesPath = certificates.path("server.pem")
            let pair = try stage.pair()
            pair.atServer.whenReceived = { connection, message in _ = try? connection.send(message) }
            let message = pattern(300_000)
            try pair.client.send(message)
            try #require(stage.loop.run { pair.atClient.messageCount == 1 })
            #expect(pair.atClient.messages == [message])
        }
    }
}

/// Self-signed certificates for 127.0.0.1, made by openssl.
private final class Certificates {
    private let directory: FreshDirectory

    init() throws {
        directory = try FreshDirectory()
        for name in ["server", "other"] { try make(name) }
    }

    func path(_ name: String) -> String { "\(directory.path)/\(name)" }

    private func make(_ name: String) throws {
        let openssl = try #require(Self.openssl)
        let arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:127.0.0.1", "-keyout",
            path("\(name).key"), "-out", path("\(name).pem"),
        ]
        try #require(TestProcess(openssl, arguments).waitForEnd() == true, "openssl failed")
    }

    static let openssl = ["/usr/bin/openssl"].first { FileManager.default.isExecutableFile(atPath: $0) }
}
#endif
