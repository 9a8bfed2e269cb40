// SPDX-License-Identifier: Apache-2.0
import NamedPipes

#if NATS
import NamedPipesNATS

// Consumes the stream `work` at a broker, together with the other processes of this program, until it is killed. What
// comes of a message is stored in the stream `done` before the message is acknowledged, under an ID that the message
// determines: however often a message is handled, its result is stored once.
//
//     StreamWorker URL NAME

let reactor = try Reactor()
let link = try NATSLink(servers: [CommandLine.arguments[1]], reactor: reactor)
let name = CommandLine.arguments[2]
let done = try link.stream("done")
var configuration = NATSConsumer.Configuration()
configuration.settlement = .explicit
configuration.batch = 8
// Another process gets what this one had when it was killed.
configuration.ackWait = .milliseconds(500)
let consumer = try link.stream("work").consume(as: "workers", configuration: configuration) { message, delivery in
    let text = String(decoding: delivery.content, as: UTF8.self)
    try done.publish("\(name) \(text)", id: text) { verdict in
        if case .success = verdict { delivery.acknowledge() } else { delivery.reject() }
    }
}
consumer.onStart = {
    do { try done.publish("ready \(name)", id: name) { _ in } } catch { fatalError("\(error)") }
}
consumer.onEnd = { error in fatalError("\(error)") }
reactor.run()
#endif
