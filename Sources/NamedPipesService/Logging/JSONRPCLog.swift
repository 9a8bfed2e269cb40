// SPDX-License-Identifier: Apache-2.0
#if Service
public import Logging
public import NamedPipesRPC

/// Logs what happens on JSON-RPC connections other than requests and replies: above all, the errors of handlers.
///
/// ```swift
/// var rpc = JSONRPCPeer.Configuration()
/// rpc.onEvent = JSONRPCLog().note
/// ```
///
/// One instance serves any number of connections, which together have ten lines a second at notice and warning; further
/// lines are at debug.
///
/// | Level | Lines |
/// |---|---|
/// | debug | `notification dropped` |
/// | notice | `no JSON`, `no JSON-RPC`, `unexpected reply`, `not understood by the other end` |
/// | warning | `handler failed`, with `rpc.method` where it is registered; `reply not sent`; `connection ended` |
public final class JSONRPCLog: Sendable {
    private let logger: Logger?
    private let log: LimitedLog

    /// Creates a log that writes to a logger.
    ///
    /// - Parameters:
    ///   - logger: the default is nil: `Logger.current`, which in a ``PipeService`` has the connection in its metadata.
    ///   - describesErrors: whether the log contains the descriptions of handlers' errors. The default is false: it
    ///     contains only their types, because descriptions may quote what clients have sent.
    public init(_ logger: Logger? = nil, describesErrors: Bool = false) {
        self.logger = logger
        log = LimitedLog(describesErrors: describesErrors)
    }

    /// Logs an event, if it deserves a line.
    ///
    /// - Parameter event: an event of a `JSONRPCPeer`.
    @Sendable public func note(_ event: JSONRPCPeer.Event) {
        switch event {
        case .undecodableMessage(_, let error): write(.notice, "no JSON", .detail("\(error)"))
        case .invalidMessage(let error): write(.notice, "no JSON-RPC", Self.code(error))
        case .unexpectedReply: write(.notice, "unexpected reply", [:])
        case .errorReport(let error): write(.notice, "not understood by the other end", Self.code(error))
        case .handlerFailed(let method, let error):
            write(.warning, "handler failed", log.describe(error).and(Self.method(method)))
        case .droppedNotification:
            (logger ?? .current).debug("notification dropped")
        case .overload(let overload): write(.warning, "connection ended", .detail("\(overload)"))
        case .unsendableReply(let error): write(.warning, "reply not sent", log.describe(error))
        @unknown default: break
        }
    }

    private func write(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata) {
        log.write(level, message, metadata, to: logger ?? .current)
    }

    private static func code(_ error: JSONRPCError) -> Logger.Metadata {
        ["rpc.response.status_code": "\(error.code.rawValue)"]
    }

    /// A name for which a handler is registered. Any other name is the other end's text, and may be anything.
    private static func method(_ name: String?) -> Logger.Metadata { ["rpc.method": "\(name ?? "other")"] }
}
#endif
