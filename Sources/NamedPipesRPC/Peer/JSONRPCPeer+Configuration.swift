// SPDX-License-Identifier: Apache-2.0
public import NamedPipes

extension JSONRPCPeer {
    /// The limits of a peer, and its encoding of values.
    public struct Configuration: Sendable {
        /// The conversion of values to JSON. The default is Foundation's.
        public var coding = JSONCoding()

        /// How long a request waits for its reply, unless it has its own timeout. The default is nil: as long as the
        /// connection lives.
        public var requestTimeout: Duration?

        /// How many requests and notifications of the other end are handled at a time; at least one. The default is 64.
        ///
        /// At the limit, further calls wait for a place, in order; see ``waitingByteLimit``. Replies, cancellations and
        /// the end of the other side take effect at once all the same.
        ///
        /// A batch counts as many calls as it contains, and is admitted as a whole: up to ``batchLimit`` more may then
        /// be handled.
        public var handledRequestLimit = 64

        /// The total size of requests and notifications that wait for a place, in bytes: their messages, and 512 for
        /// each call. The default is 8 MiB. The last call may exceed it.
        ///
        /// When this many bytes wait, nothing more is read, and the kernel makes the other end wait. While this end
        /// itself waits for replies, it must read on, because both ends could otherwise wait for each other. Then
        /// requests are refused with ``JSONRPCError/Code/tooManyRequests``, and a notification ends the connection with
        /// a ``JSONRPCOverload``, because no notification is dropped.
        public var waitingByteLimit = 8 << 20

        /// How many requests of this end may wait for their replies; at least one. The default is 1,024.
        public var pendingRequestLimit = 1024

        /// The treatment of a request of this end above ``pendingRequestLimit``. The default is to wait, within the
        /// request's timeout.
        public var pendingLimitPolicy = PendingLimitPolicy.wait

        /// How many requests a batch of the other end may contain. The default is 100. A larger one is answered with
        /// one ``JSONRPCError/Code/invalidRequest``, and nothing in it is handled.
        public var batchLimit = 100

        /// How deeply arrays and objects may be nested, 1 to 512. The default is 100. Deeper nesting is a
        /// ``JSONRPCError/Code/parseError``.
        public var depthLimit = 100

        /// The maximum size of an id of the other end, in bytes as written: ids are sent back. The default is 256.
        public var idByteLimit = 256

        /// The maximum size of the metadata of a request of the other end, in bytes of names and values as written; see
        /// ``JSONRPCCall/metadata``. The default is 8,192. Members that do not fit are ignored.
        public var metadataByteLimit = 8192

        /// The interceptor around requests and handlers, such as a tracer. The default is nil: none.
        public var interceptor: (any JSONRPCInterceptor)?

        /// The place of metadata, in this end's requests and in the other end's. The default is beside the parameters.
        public var metadataPlace = MetadataPlace.besideParams

        /// Whether to end the connection, after the error reply, when a message is not JSON. The default is false:
        /// framings keep their place in the stream, whatever a message contains.
        public var endsAfterParseError = false

        /// Receives the events that neither a reply nor an error reports to this end. Called on the reactor's thread.
        /// The default does nothing.
        public var onEvent: @Sendable (Event) -> Void = { _ in }

        /// Creates the default configuration.
        public init() {}
    }

    /// The place of metadata: what a ``JSONRPCInterceptor`` adds to a request, such as the context of a trace.
    @nonexhaustive
    public enum MetadataPlace: Hashable, Sendable {
        /// Members of the request object, beside `method` and `params`, as in StreamJsonRpc. JSON-RPC 2.0 does not
        /// forbid them, but strict servers refuse a request that has any: jsonrpcserver and json-rpc, both in Python,
        /// do.
        case besideParams

        /// Members of an object `_meta` in the parameters, as in the Model Context Protocol. Parameters that are an
        /// array have no room for it, and are sent without. In received requests, members beside the parameters count
        /// as well.
        case metaOfParams
    }

    /// The treatment of a request while the maximum number of requests is pending.
    @nonexhaustive
    public enum PendingLimitPolicy: Hashable, Sendable {
        /// It waits for a place, behind earlier requests, and is then sent.
        case wait
        /// It throws ``JSONRPCRequestFailure/tooManyPending(limit:)`` at once.
        case refuse
    }

    /// An event on a connection, other than requests and their replies.
    @nonexhaustive
    public enum Event: Sendable {
        /// A message is not JSON. It was answered with ``JSONRPCError/Code/parseError``, unless it looks like a reply,
        /// or may be one: it has no method, and this end waits for replies. In that case a request fails with
        /// ``JSONRPCRequestFailure/unreadableReply(_:_:)``.
        case undecodableMessage(PipeMessage, JSONSyntaxError)
        /// A message is JSON, but neither a request nor a reply; it was answered with the error.
        case invalidMessage(JSONRPCError)
        /// A reply to no request, or not a valid one. It was discarded.
        case unexpectedReply(JSONRPCID?)
        /// The other end could not read a message of this end: an error reply without an id. If it can only mean one
        /// request, this request fails with it; see <doc:AskingAndAnswering#Incomplete-replies>.
        case errorReport(JSONRPCError)
        /// A handler has thrown an error that the other end was not told. The method is the name under which the
        /// handler is registered; nil for ``JSONRPCMethods/handleOthers(_:)``, whose names the other end chooses.
        case handlerFailed(method: String?, any Error)
        /// A notification for a method without a handler. It was discarded.
        case droppedNotification(method: String)
        /// A notification arrived when no more calls may wait for a place. The connection was ended.
        case overload(JSONRPCOverload)
        /// A reply cannot be sent: it is too large, or not allowed by the framing. An internal error was sent instead,
        /// or, if even that cannot be sent, the connection was ended.
        case unsendableReply(any Error)
    }
}
