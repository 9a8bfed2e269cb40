// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipesRPC

/// A request that has arrived without a session.
struct ServiceCall: Sendable {
    /// What follows the service's name in the subject.
    let method: String
    /// The parameters as JSON; empty for none.
    let payload: [UInt8]
    /// What came beside the parameters.
    let metadata: [String: String]
    /// Where the answer goes, ending in zero; empty if none is expected.
    let reply: [UInt8]

    /// What it counts as while it waits.
    var charge: Int { payload.count + 512 }

    /// The headers that tracers read, by the names that OpenTelemetry's propagators for NATS use: W3C Trace Context.
    static func metadata(of message: borrowing BrokerMessage) -> [String: String] {
        var metadata: [String: String] = [:]
        for name in ["traceparent", "tracestate", "baggage"] { metadata[name] = message.header(name) }
        return metadata
    }

    func outcome(on peer: JSONRPCPeer) async -> Result<JSONText, JSONRPCError> {
        let params: JSONText?
        do {
            params = payload.isEmpty ? nil : try JSONText(payload, depthLimit: peer.configuration.depthLimit)
        } catch {
            return .failure(.parseError(error))
        }
        let outcome = await peer.outcome(of: method, params, metadata, isNotification: reply.isEmpty)
        // The service has stopped: the caller may ask another one.
        if case .failure = outcome, Task.isCancelled { return .failure(.stopping) }
        return outcome
    }

    /// - Throws: ``NATSError/messageTooLarge(byteCount:limit:)``, and what the library throws.
    func publish(_ outcome: Result<JSONText, JSONRPCError>, on line: BrokerLine) throws(NATSError) {
        let limit = line.connection.maximumPayload
        switch outcome {
        case .success(let result):
            let bytes = result.bytes
            guard bytes.count <= limit else { throw .messageTooLarge(byteCount: bytes.count, limit: limit) }
            try line.connection.publish(to: reply, reply: [], bytes)
        case .failure(let error):
            let (headers, bytes) = (ServiceReply.headers(of: error), ServiceReply.content(of: error))
            // The broker counts headers as well.
            let count = bytes.count + headers.reduce(64) { $0 + $1.name.utf8.count + $1.value.utf8.count }
            guard count <= limit else { throw .messageTooLarge(byteCount: count, limit: limit) }
            try line.connection.publish(to: reply, headers: headers, bytes)
        }
    }
}
#endif
