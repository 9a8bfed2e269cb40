// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram

/// An argument that is text. One that is not UTF-8 is refused, because it would have another meaning with other bytes
/// in its place.
@Sendable
func parseText(_ argument: String) throws(ValidationError) -> String {
    guard let text = Arguments.plainText(argument) else {
        throw ValidationError("'\(printable(Arguments.bytes(of: argument)))' is not UTF-8")
    }
    return text
}

/// The options on which both ends of a pipe have to agree.
struct WireOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The framing of messages on the wire: \(NamedFraming.names.joined(separator: ", ")).",
            valueName: "framing"), completion: .framings)
    var framing = Self.defaultFraming

    static let defaultFraming = "length"

    @Option(help: ArgumentHelp("The largest message, with unit, such as 64KiB. (default: 16MiB)", valueName: "size"))
    var maxMessage: ByteSize?

    func validate() throws {
        guard NamedFraming.parse(framing) != nil else {
            let names = NamedFraming.names.map { String($0.prefix { $0 != "[" && $0 != ":" }) }
            // A name that is right has something wrong behind it.
            let name = String(framing.prefix { $0 != ":" })
            let hint = names.contains(name) ? "" : suggestion(for: framing, among: names)
            throw ValidationError(
                "No framing '\(printable(framing))'.\(hint) Choose: "
                    + NamedFraming.names.joined(separator: ", "))
        }
        guard parsedFraming != nil else { throw ValidationError("--max-message is too small for this framing") }
    }

    /// The largest message in bytes.
    var maximumMessageByteCount: Int { parsedFraming?.maximumMessageByteCount ?? 0 }

    private var parsedFraming: (any MessageFraming)? {
        NamedFraming.parse(framing, maximumMessageByteCount: maxMessage?.byteCount)
    }

    /// Sets framing and limits. The queue has room for messages that are on their way and for the largest message
    /// behind them, so that a sender that respects the high-water mark is never refused.
    func apply(to configuration: inout PipeConnection.Configuration) {
        guard let framing = parsedFraming else { preconditionFailure("validated before") }
        configuration.framing = framing
        let room = configuration.highWaterMark + 2 * min(framing.maximumMessageByteCount, 1 << 40) + (64 << 10)
        configuration.sendQueueLimit = max(configuration.sendQueueLimit, room)
    }
}

extension WireOptions {
    /// A server's, with framing and limits set.
    var serverConfiguration: PipeServer.Configuration {
        var configuration = PipeServer.Configuration()
        apply(to: &configuration.connection)
        return configuration
    }
}

/// How a client finds its server.
struct ClientOptions: ParsableArguments {
    @Flag(help: "Wait for a server to appear, for as long as --timeout allows.")
    var wait = false

    @Option(
        help: ArgumentHelp(
            "The time limit for the connection, for each reply, and for the server to read the messages.",
            valueName: "time"))
    var timeout = TimeLimit(seconds: 10)

    func configuration(_ wire: WireOptions) -> PipeClient.Configuration {
        var configuration = PipeClient.Configuration()
        wire.apply(to: &configuration.connection)
        configuration.connection.closeTimeout = timeout.orForEver
        configuration.connectTimeout = timeout.duration
        configuration.waitsForServer = wait
        return configuration
    }
}

/// How servers listen and stop.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The grace period for queued messages after the first SIGINT, SIGTERM or SIGHUP; a second one stops at once.",
            valueName: "time"))
    var grace = TimeLimit(seconds: 5)

    @Flag(help: "Take the name over from its server, which then serves its own clients and stops.")
    var takeOver = false

    @Flag(
        help: "Serve the socket that the service manager hands over (LISTEN_FDS), instead of one at an address.")
    var inherit = false

    @Flag(help: "Serve statistics for pipectl stat and top at ADDRESS.stat, which admits only this user and root.")
    var stat = false

    @Flag(help: "Also let pipectl kick end connections there.")
    var allowKick = false

    @Flag(help: "Also let pipectl tap watch the messages of all connections there.")
    var allowTap = false

    @Flag(help: "Also stop when standard input ends: for servers that another program starts.")
    var untilInputEnds = false

    @OptionGroup var admission: AdmissionOptions
    @OptionGroup var verbosity: VerbosityOptions

    func validate() throws {
        if inherit, takeOver { throw ValidationError("an inherited socket needs no --take-over") }
    }

    /// Whether an option was given that is about a name or its server.
    var listensElsewhere: Bool { inherit || takeOver || offersStatistics || untilInputEnds || admission.isGiven }

    /// The place to listen: the address, or the inherited socket. A name is generated if none was given.
    func place(_ destination: Destination?) throws -> ServerPlace {
        guard inherit else {
            return .destination(try destination ?? .local(.unique(prefix: "pipectl")), takesOver: takeOver)
        }
        let listeners = try InheritedListener.all()
        guard let listener = listeners.first, listeners.count == 1 else {
            throw Failure("\(counted(listeners.count, "socket")) handed over (LISTEN_FDS), but one is needed")
        }
        return .inherited(listener)
    }

    /// Refuses a command line that names two places, or none if one is needed.
    ///
    /// - Parameter answers: whether clients get something back, for which a FIFO has no way.
    func check(_ destination: Destination?, isNeeded: Bool, answers: Bool = false) throws {
        if answers, case .local(let address) = destination, address.kind == .fifo {
            throw ValidationError("a FIFO has one direction, and no answer comes back: pipectl listen reads it")
        }
        if inherit, destination != nil { throw ValidationError("--inherit has its address from the service manager") }
        if isNeeded, !inherit, destination == nil { throw ValidationError("Missing expected argument '<address>'") }
        if case .broker = destination, takeOver || offersStatistics {
            throw ValidationError("--take-over, --stat, --allow-kick and --allow-tap are for a name on this machine")
        }
        try admission.check(destination, isInherited: inherit)
    }
}

/// How the loop waits.
struct LoopOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How long to poll for the next message before sleeping, such as 50us, for faster answers. (default: 0)",
            valueName: "time"))
    var busyPoll: TimeLimit?

    var configuration: Reactor.Configuration {
        var configuration = Reactor.Configuration()
        configuration.busyPollingTime = busyPoll?.duration ?? .zero
        return configuration
    }

    func makeReactor() throws(SystemError) -> Reactor { try Reactor(configuration: configuration) }
}

/// How messages are printed.
struct PrintOptions: ParsableArguments {
    @Flag(help: "Print the bytes of messages as they are, without escaping control characters.")
    var raw = false
}
