// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

extension JSONRPCPeer {
    /// The limits of a peer, and its encoding of values.
    public struct Configuration: Sendable {
        /// How values become JSON. The default is Foundation's way.
        public var coding = JSONCoding()

        /// How long a request waits for its reply, where it does not say so itself. The default is nil: as long as the
        /// connection lives.
        public var requestTimeout: Duration?

        /// How many requests and notifications of the other end are handled at a time, at least one. The default is 64.
        ///
        /// At the limit, what else arrives waits for a place, in order; see ``waitingByteLimit``. Replies,
        /// cancellations and the other end's going take effect at once all the same.
        ///
        /// A batch counts as many as it contains, and is let in whole: up to ``batchLimit`` more may then be handled.
        public var handledRequestLimit = 64

        /// How many bytes of requests and notifications may wait for a place among those that are handled: their
        /// messages, and 512 for each call. The default is 8 MiB. The last one may exceed it.
        ///
        /// When this number of bytes waits, nothing more is read, and the kernel makes the other end wait. While this
        /// end itself waits for replies, it must read on, lest both ends wait for each other: then requests are refused
        /// with ``JSONRPCError/Code/tooManyRequests``, and a notification ends the connection with a
        /// ``JSONRPCOverload``, since none is dropped.
        public var waitingByteLimit = 8 << 20

        /// How many requests of this end may wait for their replies, at least one. The default is 1,024.
        public var pendingRequestLimit = 1024

        /// The treatment of a request of this end above ``pendingRequestLimit``. The default is to wait, within the
        /// request's timeout.
        public var pendingLimitPolicy = PendingLimitPolicy.wait

        /// How many requests a batch of the other end may contain. The default is 100. A larger one is answered with
        /// one ``JSONRPCError/Code/invalidRequest``, and nothing of it is handled.
        public var batchLimit = 100

        /// How deeply arrays and objects may lie in each other, 1 to 512. The default is 100. What is deeper is a
        /// ``JSONRPCError/Code/parseError``.
        public var depthLimit = 100

        /// How many bytes an id of the other end may have, as it is written: ids are sent back. The default is 256.
        public var idByteLimit = 256

        /// How many bytes of metadata a request of the other end may have, names and values as they are written; see
        /// ``JSONRPCCall/metadata``. The default is 8,192. Members that do not fit are ignored.
        public var metadataByteLimit = 8192

        /// The interceptor around requests and handlers, such as a tracer. The default is nil: none.
        public var interceptor: (any JSONRPCInterceptor)?

        /// Where metadata of this end's requests is written, and looked for in the other end's. The default is beside
        /// the parameters.
        public var metadataPlace = MetadataPlace.besideParams

        /// Whether the connection is ended, behind the error reply, when something arrives that is no JSON. The default
        /// is false: framings keep their place in the stream, whatever a message contains.
        public var endsAfterParseError = false

        /// Receives the events that no reply and no error reports to this end. Called on the reactor's thread. The
        /// default does nothing.
        public var onEvent: @Sendable (Event) -> Void = { _ in }

        /// Every default.
        public init() {}
    }

    /// Where metadata travels: what a ``JSONRPCInterceptor`` adds to a request, such as the context of a trace.
    @nonexhaustive
    public enum MetadataPlace: Hashable, Sendable {
        /// Members of the request object, beside `method` and `params`, as StreamJsonRpc has them. JSON-RPC 2.0 does
        /// not forbid them, but strict servers refuse a request that has any: jsonrpcserver and json-rpc, both of
        /// Python, do.
        case besideParams

        /// Members of an object `_meta` in the parameters, as the Model Context Protocol has it. Parameters that are an
        /// array have no room for it, and go without. In what arrives, members beside the parameters count as well.
        case metaOfParams
    }

    /// The treatment of a request while the maximum number of requests is pending.
    @nonexhaustive
    public enum PendingLimitPolicy: Hashable, Sendable {
        /// It waits for a place, behind those that came before, and is sent then.
        case wait
        /// It throws ``JSONRPCRequestFailure/tooManyPending(limit:)`` at once.
        case refuse
    }

    /// An event on a connection, besides requests and their replies.
    @nonexhaustive
    public enum Event: Sendable {
        /// Something arrived that is no JSON. It was answered with ``JSONRPCError/Code/parseError``, unless it looks
        /// like a reply, or may be one: it has no method, and this end waits for replies. Then a request fails with
        /// ``JSONRPCRequestFailure/unreadableReply(_:_:)``.
        case undecodableMessage(PipeMessage, JSONSyntaxError)
        /// JSON arrived that is neither a request nor a reply; it was answered with the error.
        case invalidMessage(JSONRPCError)
        /// A reply to nothing that was asked, or not a proper one. It was dropped.
        case unexpectedReply(JSONRPCID?)
        /// The other end could not make out what was sent: an error reply without an id. Where it must be meant, a
        /// request fails with it; see <doc:AskingAndAnswering#Incomplete-replies>.
        case errorReport(JSONRPCError)
        /// A handler has thrown something that the other end was not told. The method is the one that it is registered
        /// for; nil for ``JSONRPCMethods/handleOthers(_:)``, which gets names that the other end has made up.
        case handlerFailed(method: String?, any Error)
        /// A notification of a method without a handler. It was dropped.
        case droppedNotification(method: String)
        /// A notification arrived when no more may wait for a place. The connection was ended.
        case overload(JSONRPCOverload)
        /// A reply cannot be sent: too large, or not for this framing. An internal error went instead, or, where even
        /// that cannot be sent, the connection was ended.
        case unsendableReply(any Error)
    }
}
