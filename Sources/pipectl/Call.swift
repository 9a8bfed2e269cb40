// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram
internal import NamedPipesRPC

struct Call: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a JSON-RPC 2.0 server, and print its reply.",
        discussion: """
            Sends one request and prints the result on one line. An error of the server is printed with its code, and the \
            status is 1. Language servers need --framing content-length.

            At a broker (nats://…), it opens a session. Where no server takes sessions at the name, it calls a service \
            of NATS there: a request to NAME.METHOD, to which the parameters and the reply are JSON.

              pipectl call sums add '{"left": 1, "right": 2}'
              pipectl call nats://10.0.0.1/sums add '[1, 2]'
              pipectl call sums note '["done"]' --notify
              pipectl call sums --list

            With --list, it prints the names of the server's methods, if the server offers them by OpenRPC's method \
            rpc.discover (offerDiscovery in Swift).
            """)

    @OptionGroup var target: DestinationArgument

    @Argument(help: "The method.", transform: parseText)
    var method: String?

    @Argument(help: "The parameters, a JSON object or array.", transform: parseJSON)
    var params: JSONText?

    @Flag(help: "Send a notification, to which there is no reply.")
    var notify = false

    @Flag(help: "List the methods of a server that offers this.")
    var list = false

    @Flag(help: "With --list, print a JSON object for each method: name, and summary. A reply is JSON in any case.")
    var json = false

    @OptionGroup var client: ClientOptions
    @OptionGroup var wire: WireOptions
    @OptionGroup var verbosity: ClientVerbosityOptions

    func validate() throws {
        if list, method != nil || notify { throw ValidationError("--list calls a method of its own") }
        if json, !list { throw ValidationError("--json is for --list; a reply is JSON in any case") }
        if !list, method == nil { throw ValidationError("Missing expected argument '<method>'") }
    }

    func run() throws {
        do {
            let reply = try runOnReactor { [self, configuration = client.configuration(wire)] executor in
                try await ask(configuration, executor)
            }
            guard let reply else { return }
            try StandardOutput.print(list ? MethodList(reply).text(asJSON: json) : oneLine(reply))
        } catch {
            throw Failure(asking: error, isList: list)
        }
    }

    private var askedMethod: String { method ?? JSONRPCMethods.discoveryMethod }

    private func ask(
        _ configuration: PipeClient.Configuration, _ executor: ReactorExecutor
    ) async throws -> JSONText? {
        do {
            verbosity.log.willConnect(to: target.destination.description, wire)
            return try await askInSession(configuration, executor)
        } catch let error as PipeError {
            // A notification needs a session: without one, nothing says whether a service has got it.
            guard case .noServer = error, case .broker(let address) = target.destination, !notify else { throw error }
            let timeout = client.timeout.orForEver
            verbosity.log.detail("no server takes sessions there: asking a service of NATS")
            guard let reply = try await Uplink.request(address, askedMethod, params, timeout: timeout, on: executor)
            else {
                throw error
            }
            return reply
        }
    }

    private func askInSession(
        _ configuration: PipeClient.Configuration, _ executor: ReactorExecutor
    ) async throws -> JSONText? {
        let log = verbosity.log
        return try await target.destination.withConnection(configuration, on: executor) { connection in
            log.didConnect(to: connection.peer)
            return try await JSONRPCPeer.run(on: connection) { peer in
                let size = counted(params?.bytes.count ?? 0, "byte")
                log.detail("\(notify ? "notification" : "request") \(askedMethod), \(size) of parameters")
                if notify {
                    try await peer.notifyJSON(askedMethod, params)
                    return nil
                }
                let start = ContinuousClock.now
                let reply = try await peer.requestJSON(askedMethod, params, timeout: client.timeout.duration)
                log.detail("reply after \(readable(.now - start)), \(counted(reply.bytes.count, "byte"))")
                return reply
            }
        }
    }
}

@Sendable
private func parseJSON(_ text: String) throws -> JSONText {
    do {
        return try JSONText(parseText(text))
    } catch let error as ValidationError {
        throw error
    } catch {
        throw ValidationError("\(error)")
    }
}

/// The names in an OpenRPC document, and what it says of each.
private struct MethodList: Decodable {
    struct Method: Codable {
        let name: String
        let summary: String?
    }

    let methods: [Method]

    init(_ document: JSONText) throws(Failure) {
        do {
            self = try document.decode(as: Self.self)
        } catch {
            throw Failure("the server's list of methods is no OpenRPC document")
        }
    }

    func text(asJSON isJSON: Bool) -> String {
        methods.map { method in
            guard !isJSON else { return jsonLine(method) }
            return "\(printable(method.name))\(method.summary.map { "  \(printable($0))" } ?? "")\n"
        }.joined()
    }
}

extension Failure {
    fileprivate init(asking error: any Error, isList: Bool) {
        switch error {
        case let failure as Failure: self = failure
        case let error as JSONRPCError where isList && error.code == .methodNotFound:
            self.init("the server does not list its methods (\(JSONRPCMethods.discoveryMethod))")
        case let error as JSONRPCError: self.init(printable("\(error)"))
        case JSONRPCRequestFailure.timedOut: self.init("\(error) (--timeout sets how long to wait)", .timedOut)
        case JSONRPCRequestFailure.closedUnanswered(let reason, let causes):
            self.init("\(JSONRPCRequestFailure.connectionEnded(reason))\(causes.text)")
        case JSONRPCRequestFailure.paramsNotStructured: self.init("\(error)", .usage)
        case let error as JSONRPCRequestFailure: self.init(printable("\(error)"))
        case is CancellationError: self.init("interrupted")
        default: self.init(error)
        }
    }
}
