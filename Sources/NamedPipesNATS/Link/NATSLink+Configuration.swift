// SPDX-License-Identifier: Apache-2.0
#if NATS
extension NATSLink {
    /// How a link connects, and how its sessions behave.
    public struct Configuration: Hashable, Sendable {
        /// The link's name in the broker's lists and in the other ends' logs. It proves nothing. The default is
        /// "swift-named-pipes".
        public var name = "swift-named-pipes"

        /// How the link logs in. The default is ``Credentials/none``.
        public var credentials = Credentials.none

        /// TLS with the broker. The default is nil: none, unless a server's URL begins with `tls://`.
        public var tls: TLS?

        /// How long one broker may take to answer. The default is 2 s.
        public var connectTimeout = Duration.seconds(2)

        /// The delay before the first attempt to connect again. Further delays double; half of each is random. The
        /// default is 50 ms.
        public var reconnectionDelay = Duration.milliseconds(50)

        /// The longest delay between two attempts to connect. The default is 5 s.
        public var maximumReconnectionDelay = Duration.seconds(5)

        /// How often the library asks the broker whether it is there. It gives up after two questions without an
        /// answer. The default is 20 s.
        public var pingInterval = Duration.seconds(20)

        /// How long the other end of a session may be silent before the session ends with `SessionLoss.silent`. Each
        /// end sends a heartbeat when it has sent nothing for a fifth of this, so both ends of a subject need about the
        /// same value. The default is 5 s.
        public var sessionTimeout = Duration.seconds(5)

        /// How many bytes of a session may be on the way to this end or unread here. A session keeps no more memory
        /// than this. The default is 1 MiB.
        public var sessionWindow = 1 << 20

        /// The beginning of the subjects at which the link receives what is meant for it alone. The broker has to
        /// permit this link to subscribe to `PREFIX.>`, and every link to publish to it. The default is `_INBOX.pipes`.
        public var inboxPrefix = "_INBOX.pipes"

        /// The defaults.
        public init() {}
    }

    /// How a link logs in to its broker.
    @nonexhaustive
    public enum Credentials: Hashable, Sendable {
        /// The broker asks for none.
        case none
        /// A user and a password.
        case user(String, password: String)
        /// A token.
        case token(String)
        /// A file with a JWT and a seed, as `nsc` makes it.
        case file(String)
        /// A public NKey, and the path of a file with its seed.
        case nkey(String, seedFile: String)
    }

    /// TLS between a link and its broker. The library uses OpenSSL, and reads the files each time it connects.
    public struct TLS: Hashable, Sendable {
        /// A file with the certificates of the authorities to trust (PEM). The default is nil: the system's.
        public var authoritiesPath: String?

        /// The certificate of this end, if the broker asks for one. The default is nil.
        public var certificate: Certificate?

        /// The host for which the broker's certificate has to be issued. The default is nil: the host of its URL.
        public var expectedHost: String?

        /// The defaults.
        public init() {}

        /// A certificate, and its private key.
        public struct Certificate: Hashable, Sendable {
            /// A file with the certificate chain (PEM).
            public var chainPath: String
            /// A file with the private key (PEM).
            public var keyPath: String

            /// Creates one.
            ///
            /// - Parameters:
            ///   - chainPath: the certificate chain.
            ///   - keyPath: the private key.
            public init(chainPath: String, keyPath: String) {
                self.chainPath = chainPath
                self.keyPath = keyPath
            }
        }
    }
}
#endif
