// SPDX-License-Identifier: Apache-2.0
#if NATS
import BrokerTestSupport
import Foundation
import NamedPipesRPC
import PipeTestSupport
import Testing

@testable import NamedPipesNATS

/// With nats-py, which `.ci/install-peers` has installed: `Tests/NATSTests/Peers/service_peer.py`.
@Suite(.requiresBroker, .requiresNATSForPython) struct `Services and requests of Python` {
    @Test func `call ours and are called by us`() throws {
        try withService { stage, _, client in
            let peer = try TestProcess(
                "/usr/bin/env",
                [
                    "PYTHONPATH=\(Peers.packages)", "python3", Peers.directory + "/service_peer.py", stage.broker.url,
                ])
            var answer = try stage.call(client, "double", "21")
            // It serves once it has called all of ours.
            while answer.failure as? NATSError == .noServer(subject: "python.double"), !peer.hasEnded {
                answer = try stage.call(client, "double", "21")
            }
            #expect(answer.result == "42")
            let failed = try stage.call(client, "fail").error
            #expect(failed == JSONRPCError(.init(rawValue: 418), "a teapot"))
            #expect(try stage.call(client, "stop").result == "null")
            #expect(peer.waitForEnd() == true)
        }
    }
}

extension Stage {
    fileprivate func call(_ link: NATSLink, _ method: String, _ params: String? = nil) throws -> Answer {
        let answer = Answer()
        try link.requestJSON("python", method, params.map { try JSONText($0) }, timeout: .seconds(600), answer.take)
        try #require(loop.run { answer.isThere })
        return answer
    }
}

private enum Peers {
    private static let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    static let directory = tests.appending(path: "Peers").path
    static let packages = tests.appending(path: "../../.build/peers").standardized.path
}

extension Trait where Self == ConditionTrait {
    /// Skips a test, with a message, where `.ci/install-peers` has not installed nats-py; see ``requiresBroker``.
    fileprivate static var requiresNATSForPython: Self {
        let isStrict = ProcessInfo.processInfo.environment["REQUIRE_FOREIGN_PEERS"] != nil
        let isInstalled = FileManager.default.fileExists(atPath: "\(Peers.packages)/nats/micro")
        return .enabled(if: isStrict || isInstalled, "not installed: see .ci/install-peers")
    }
}
#endif
