// SPDX-License-Identifier: Apache-2.0
#if NATS
import Testing

@testable import NamedPipesNATS

@Suite struct `The facts of a delivery` {
    @Test(arguments: [
        "$JS.ACK.orders.billing.3.17.21.1795961719695211429.5",
        "$JS.ACK.hub.ACCOUNT.orders.billing.3.17.21.1795961719695211429.5",
        "$JS.ACK.hub.ACCOUNT.orders.billing.3.17.21.1795961719695211429.5.random",
    ]) func `stand in its reply subject`(_ reply: String) throws {
        let facts = try #require(NATSDelivery.Facts(subject: "orders.new", reply: Array(reply.utf8) + [0]))
        #expect(facts.subject == "orders.new" && facts.deliveryCount == 3 && facts.isRedelivered)
        #expect(facts.streamSequence == 17 && facts.consumerSequence == 21 && facts.pendingCount == 5)
        #expect(facts.timestamp == 1_795_961_719_695_211_429)
    }

    @Test(arguments: [
        "", "$JS.ACK", "_INBOX.orders.billing.a.3.17.21.1795961719695211429.5", "$JS.ACK.orders.billing.3.17.21.179",
        "$JS.ACK.orders.billing.3.17.21.179.5.6", "$JS.ACK.orders.billing.-3.17.21.179.5",
        "$JS.ACK.orders.billing.x.17.21.179.5", "$JS.ACK.orders.billing.3.17..179.5",
        "$JS.ACK.orders.billing.3.99999999999999999999.21.179.5",
    ]) func `stand in nothing else`(_ reply: String) {
        #expect(NATSDelivery.Facts(subject: "orders.new", reply: Array(reply.utf8) + [0]) == nil)
    }
}
#endif
