// SPDX-License-Identifier: Apache-2.0
package import NamedPipes
package import PipeReactor

// Calls that come another way than over a connection, one by one, such as through a broker.

extension JSONRPCPeer {
    /// A peer whose connection has ended before it began: its methods are called with ``outcome(of:_:isNotification:)``
    /// and cannot ask the other end anything.
    package static func withoutConnection(
        methods: JSONRPCMethods, configuration: Configuration, on executor: ReactorExecutor,
        shownAs address: PipeAddress
    ) async throws -> JSONRPCPeer {
        let connection = try await PipeClient.withConnection(PipeClient.Configuration(), on: executor) { connection in
            await connection.abort()
            return connection
        } _: { configuration, reactor, delegate in
            let client = PipeClient(
                address: address, configuration: configuration, reactor: reactor, delegate: delegate)
            client.dial = { _ in .connected(NoStream(), .unknown) }
            return client
        }
        return JSONRPCPeer(connection, methods, configuration)
    }

    /// Calls a method, as for a request of a connection: with the interceptor, and with its errors.
    ///
    /// - Parameter metadata: what came beside the parameters; see ``JSONRPCCall/metadata``.
    package func outcome(
        of method: String, _ params: JSONText?, _ metadata: [String: String], isNotification: Bool
    ) async -> Result<JSONText, JSONRPCError> {
        guard let handler = methods.handler(of: method) else { return .failure(.methodNotFound) }
        let id = isNotification ? nil : WrittenID.null
        let params = params.flatMap { $0.isNull ? nil : $0 }
        guard let serial = openCalls.begin(nil) else { preconditionFailure("a call without an id has no double") }
        defer { openCalls.end(serial) }
        let request = IncomingMessage.Request(method: method, params: params, id: id, metadata: metadata)
        return await outcome(of: request, handler, serial)
    }
}

/// A stream on which nothing happens.
private final class NoStream: PipeTransport {
    func attach(to handler: any ByteStreamHandler) {}

    func receive(atMost count: Int) throws(SystemError) -> ReadOutcome<ArraySlice<UInt8>> { .wouldBlock }

    func send(_ bytes: Span<UInt8>) throws(SystemError) -> Int? { nil }

    func finishSending() {}

    func close() {}

    var hangUp: PeerHangUp? { nil }

    func interestDidChange() {}
}
