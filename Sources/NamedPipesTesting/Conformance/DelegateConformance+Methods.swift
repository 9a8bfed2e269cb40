// SPDX-License-Identifier: Apache-2.0
public import NamedPipesRPC

extension DelegateConformance {
    /// A method as it is called in a check, as a request and as a notification.
    public typealias Call = (method: String, params: JSONText?)

    /// Checks methods of JSON-RPC, as a `JSONRPCPeer` serves them on each connection.
    ///
    /// ```swift
    /// let violations = try DelegateConformance().check(methods: methods, calls: [("add", JSONText("[1, 2]"))])
    /// ```
    ///
    /// What is checked of handlers is checked of them: see ``check(handler:)``. A handler of a method has to return
    /// within ``patience`` also where its caller is gone, which cancels it. And of the library: each request is
    /// answered once, where its caller has waited, and never twice.
    ///
    /// - Parameters:
    ///   - methods: what may be called.
    ///   - calls: how. They take the place of ``messages``; what means nothing comes beside them.
    ///   - configuration: what the peer allows.
    /// - Returns: what was not as promised; nothing if all was.
    /// - Throws: `SystemError` if there is no reactor to be had.
    public func check(
        methods: JSONRPCMethods, calls: [Call], peer configuration: JSONRPCPeer.Configuration = .init()
    ) throws -> [ContractViolation] {
        try calling(calls).check { connection in
            try await JSONRPCPeer.serve(connection, methods: methods, configuration: configuration)
        }
    }

    /// Checks methods of JSON-RPC with what they belong to; see ``check(service:handler:)``.
    ///
    /// - Parameters:
    ///   - makeService: makes a new one for each history.
    ///   - methods: what of it may be called.
    ///   - calls: how.
    ///   - configuration: what the peer allows.
    /// - Returns: what was not as promised; nothing if all was.
    /// - Throws: what `makeService` throws, and `SystemError` if there is no reactor to be had.
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
    /// Where a request's own id comes to stand.
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
        if let undecodable { return "sent what is no reply: \(undecodable)" }
        if let (id, count) = replyCounts.first(where: { $0.value > 1 }) { return "answered \(id) \(count) times" }
        guard areComplete else { return nil }
        let open = messages.indices.compactMap { requests[$0] }.filter { replyCounts[$0] == nil }
        return open.isEmpty ? nil : "left \(open.count) calls without an answer"
    }
}
