// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `The events of an async server` {
    @Test func `report who came, who left and why, and the stop`() async throws {
        let events = try await Serving.run(handler: echo) { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                try await connection.send("x")
                _ = try await connection.nextMessage()
            }
            #expect(await eventually { serving.events.texts.contains { $0.hasPrefix("disconnected") } })
            serving.server.perform { $0.stop() }
            #expect(await eventually { serving.events.texts.last == "stopped" })
            return serving.events.texts
        }.0
        #expect(events == ["listening", "connected", "disconnected closedByPeer", "stopped"])
    }
}
