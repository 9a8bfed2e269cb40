// SPDX-License-Identifier: Apache-2.0
#if NATS
import NamedPipes
import Testing

@testable import NamedPipesNATS

@Suite struct `A NATS address` {
    @Test func `has a server and a name`() throws {
        let address = try NATSAddress(parsing: "nats://10.0.0.1:4222/shop.orders-2_a")
        #expect(address.server == "nats://10.0.0.1:4222" && address.name == "shop.orders-2_a")
        #expect("\(address)" == "nats://10.0.0.1:4222/shop.orders-2_a")
        #expect(try NATSAddress(parsing: "tls://broker/x").server == "tls://broker")
        for server in ["nats://[::1]", "nats://[::1]:65535", "nats://ann:se:cret@broker:1"] {
            #expect(try NATSAddress(parsing: "\(server)/x").server == server)
        }
    }

    @Test func `shows no password, in itself or in an error`() throws {
        let address = try NATSAddress(parsing: "nats://ann:secret@broker/x")
        #expect(address.server == "nats://ann:secret@broker" && !"\(address)".contains("secret"))
        #expect(throws: NATSError.invalidAddress("nats://…@broker/")) {
            try NATSAddress(parsing: "nats://ann:secret@broker/")
        }
    }

    @Test(arguments: [
        "", "echo", "/run/echo.sock", "http://broker/x", "nats://", "nats://broker", "nats:///x", "nats://broker/",
        "nats://broker/a/b", "nats://broker/a..b", "nats://broker/*", "nats://broker/a.>", "nats://broker/a b",
        "nats://:4222/x", "nats://ann@/x", "nats://broker:/x", "nats://broker:0/x", "nats://broker:65536/x",
        "nats://broker:+1/x", "nats://::1/x", "nats://[::1/x", "nats://[::1]4222/x",
    ])
    func `is nothing else`(text: String) {
        #expect(throws: NATSError.self) { try NATSAddress(parsing: text) }
    }
}

@Suite struct `A NATS name` {
    @Test(arguments: ["", ".", "a.", ".a", "a..b", "a b", "a*", ">", "é", "a\n", String(repeating: "a", count: 129)])
    func `has words of plain characters with dots between them`(text: String) {
        #expect(!NATSName.isValid(text))
    }

    @Test(arguments: ["a", "A9-_.b", String(repeating: "a", count: 128)]) func `may be of many kinds`(text: String) {
        #expect(NATSName.isValid(text))
    }
}
#endif
