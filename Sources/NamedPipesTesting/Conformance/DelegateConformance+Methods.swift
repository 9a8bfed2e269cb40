// SPDX-License-Identifier: Apache-2.0
public import NamedPipesRPC

extension DelegateConformance {
    /// A call of a method in a check, made as a request and as a notification.
    public typealias Call = (method: String, params: JSONText?)

    /// Checks methods of JSON-RPC, as a `JSONRPCPeer` serves them on each connection.
    ///
    /// ```swift
    /// let violations = try DelegateConformance().check(methods: methods, calls: [("add", JSONText("[1, 2]"))])
    /// ```
    ///
    /// They are checked like handlers: see ``check(handler:)``. A method's handler also has to return within
    /// ``patience`` if its caller is gone, which cancels it. The library is checked as well: each request is answered
    /// exactly once, if its caller has waited.
    ///
    /// - Parameters:
    ///   - methods: the methods to check.
    ///   - calls: the calls to make. They replace ``messages``; messages without meaning are sent as well.
    ///   - configuration: the limits of the peer.
    /// - Returns: the violations; empty if there are none.
    /// - Throws: `SystemError` if no reactor can be made.
    public func check(
        methods: JSONRPCMethods, calls: [Call], peer configuration: JSONRPCPeer.Configuration = .init()
    ) throws -> [ContractViolation] {
        try calling(calls).check { connection in
            try await JSONRPCPeer.serve(connection, methods: methods, configuration: configuration)
        }
    }

    /// Checks methods of JSON-RPC together with their owner; see ``check(service:handler:)``.
    ///
    /// - Parameters:
    ///   - makeService: makes a new owner for each history.
    ///   - methods: makes the methods to check, from the owner.
    ///   - calls: the calls to make.
    ///   - configuration: the limits of the peer.
    /// - Returns: the violations; empty if there are none.
    /// - Throws: the errors of `makeService`, and `SystemError` if no reactor can be made.
    public func check<Service: AnyObject & Sendable>(
        service makeService: (Reactor) throws -> Service, methods: @escaping @Sendable (Service) -> JSONRPCMethods,
        calls: [Call], peer configuration: JSONRPCPeer.Configuration = .init()
    ) throws -> [ContractViolation] {
        try calling(calls).check(service: makeService) { service, connection in
            try await JSONRPCPeer.serve(connection, methods: methods(service), configuration: configuration)
        }
    }

    private func calling(_ calls: [Call]) throws -> DelegateConformance {
        var conformance = self
        conformance.messages = try calls.flatMap { call in
            let params = call.params.map { #","params":\#($0)"# } ?? ""
            let rest = #""method":\#(try JSONText(encoding: call.method))\#(params)}"#
            return [
                Array(#"{"jsonrpc":"2.0","id":\#(JSONRPCReplies.placeholder),\#(rest)"#.utf8),
                Array(#"{"jsonrpc":"2.0",\#(rest)"#.utf8),
            ]
        }
        conformance.makeReplies = { JSONRPCReplies() }
        return conformance
    }
}

/// Counts the replies to each request of one peer.
private final class JSONRPCReplies: ConformanceReplies {
    /// Replaced by a request's own id.
    static let placeholder = #""conformance-id""#

    private var requests: [Int: String] = [:]
    private var replyCounts: [String: Int] = [:]
    private var undecodable: String?

    private struct Reply: Decodable {
        var id: String?
        var method: String?
    }

    func numbered(_ message: [UInt8], _ number: Int) -> [UInt8] {
        let placeholder = Array(Self.placeholder.utf8)
        guard let start = message.firstRange(of: placeholder) else { return message }
        let id = "call \(number)"
        requests[number] = id
        return message[..<start.lowerBound] + Array("\"\(id)\"".utf8) + message[start.upperBound...]
    }

    func note(_ reply: [UInt8]) {
        do {
            let reply = try JSONText(reply).decode(as: Reply.self)
            // A request or notification has a method; an error that answers no request has no id.
            if reply.method == nil, let id = reply.id { replyCounts[id, default: 0] += 1 }
        } catch {
            undecodable = "\(error)"
        }
    }

    func problem(with messages: ArraySlice<[UInt8]>, areComplete: Bool) -> String? {
        if let undecodable { return "sent an invalid reply: \(undecodable)" }
        if let (id, count) = replyCounts.first(where: { $0.value > 1 }) { return "answered \(id) \(count) times" }
        guard areComplete else { return nil }
        let open = messages.indices.compactMap { requests[$0] }.filter { replyCounts[$0] == nil }
        return open.isEmpty ? nil : "left \(open.count) calls without an answer"
    }
}
