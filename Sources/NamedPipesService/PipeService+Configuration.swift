// SPDX-License-Identifier: Apache-2.0
#if Service
public import NamedPipes

extension PipeService {
    /// How a service serves, stops and reports.
    public struct Configuration: Sendable {
        /// How the server listens, and how its connections behave.
        public var server: PipeServer.Configuration

        /// The configuration of the reactor on the service's own thread, or of those of a pool's workers; it has no
        /// effect if an executor is given. The default measures nothing: set `measuresCallbacks` to have the loop's lag
        /// and the longest callback among the metrics, for about 0.2 µs a callback.
        public var reactor = Reactor.Configuration()

        /// How long connections may take to end when the group shuts down. The default is 5 s. The remaining
        /// connections are then ended, and the log says how many.
        public var shutdownGrace: Duration = .seconds(5)

        /// Which numbers are published, and how often.
        public var metrics = Metrics()

        /// Whether the service offers its statistics at a second name beside its own, `ADDRESS.stat`, as a
        /// `StatisticsEndpoint`: to `pipectl stat`, and to the service's own user and root alone. The default is false.
        ///
        /// If that name cannot be taken, the service logs the reason, and serves all the same.
        public var statistics = false

        /// The manager to notify when the service is ready and when it stops (`sd_notify(3)`). The default is the
        /// service manager that started this process, if it wants to be notified. In a group of several services only
        /// the last one to become ready should notify it; set nil for the others.
        public var notifier: ServiceNotifier? = .current

        /// Whether the log contains the descriptions of handlers' errors. The default is false: it contains only their
        /// types, because decoders and handlers may quote in errors what clients have sent. The library's own errors do
        /// not, and are always logged in full.
        public var logsHandlerErrors = false

        /// Receives all events except messages, on the reactor's thread. The default does nothing.
        public var onEvent: @Sendable (PipeServer, PipeServer.ServeEvent) -> Void = { _, _ in }

        /// Receives all events except messages of a service with ``PipeService/Workers``, in place of ``onEvent``: on
        /// the threads of the pool, possibly at the same time; see `PipeServerPool.serve`. The default does nothing.
        public var onPoolEvent: @Sendable (PipeServerPool, PipeServer.ServeEvent) -> Void = { _, _ in }

        /// The defaults, with the given framing.
        ///
        /// - Parameter framing: the default is a 4-byte big-endian length.
        public init(framing: any MessageFraming = LengthPrefixFraming()) {
            server = PipeServer.Configuration(framing: framing)
        }
    }

    /// The reactors of a service that serves with a `PipeServerPool`: each has a thread of its own.
    public struct Workers: Hashable, Sendable {
        /// Their number. The default is one for each processor.
        public var count: ReactorCount

        /// How clients are dealt to them. The default is to the one with the fewest connections.
        public var dealing: Dealing

        /// A number of workers.
        public init(count: ReactorCount = .cores, dealing: Dealing = .fewestConnections) {
            self.count = count
            self.dealing = dealing
        }
    }

    /// The place at which clients connect.
    public enum Place: Sendable {
        /// A name that the server takes.
        case address(PipeAddress)

        /// A socket that the service manager has made; see `InheritedListener`.
        case inherited(InheritedListener)

        /// The first socket that the service manager has handed over (`systemd.socket(5)`) and that no earlier call has
        /// taken, or else an address.
        ///
        /// Call it at the beginning, as `InheritedListener.all()` says.
        ///
        /// - Parameters:
        ///   - name: selects one of several sockets by its `FileDescriptorName=`. The default is nil: the first of all.
        ///   - address: the address to serve if there is no such socket.
        /// - Throws: `PipeError.inheritedListener`.
        public static func inherited(_ name: String? = nil, or address: PipeAddress) throws(PipeError) -> Place {
            try InheritedListener.first(named: name).map { .inherited($0) } ?? .address(address)
        }

        /// The name that clients connect to.
        public var address: PipeAddress {
            switch self {
            case .address(let address): address
            case .inherited(let listener): listener.address
            }
        }
    }
}
#endif
