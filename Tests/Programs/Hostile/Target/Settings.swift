// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes

/// The settings of a probe, as `name=value`; durations in seconds, sizes in bytes.
struct Settings {
    let address: PipeAddress
    let controlAddress: PipeAddress
    var configuration = PipeServer.Configuration()
    var mode = Target.Mode.echo
    /// Prints "loaded" and waits for a line: separates the cost of a start from that of loading a program.
    var waits = false
    /// Whether two more names are served beside it, by async handlers and JSON-RPC; see Neighbours.swift.
    var hasNeighbours = false
    /// Serves the socket that it was started with; the path is then only for the control name beside it.
    var inherits = false
    /// How long the async handler takes for a message; it sleeps meanwhile.
    var asyncDelay: Duration?
    /// How often the name is taken and given up before it is kept.
    var rehearsals = 0
    /// The number of reactors of a pool; nil for a server without one.
    var reactors: Int?

    struct Unknown: Error {
        let setting: String
    }

    init(_ arguments: ArraySlice<String>) throws {
        guard let path = arguments.first else { throw Unknown(setting: "no path") }
        address = try .path(path)
        controlAddress = try .path(path + ".control")
        var framing = NamedFraming.parse("length")
        for argument in arguments.dropFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw Unknown(setting: argument) }
            if parts[0] == "maximumMessage" {
                framing = Int(parts[1]).flatMap { NamedFraming.parse("length", maximumMessageByteCount: $0) }
            } else if parts[0] == "descriptors" {
                framing = DescriptorFraming()
                configuration.connection.descriptors = .accepted()
            } else if try !apply(parts[0], parts[1]), try !applyToConnections(parts[0], parts[1]) {
                throw Unknown(setting: argument)
            }
        }
        guard let framing else { throw Unknown(setting: "maximumMessage") }
        configuration.connection.framing = framing
        raiseDescriptorLimit()
    }

    private mutating func apply(_ name: String, _ value: String) throws -> Bool {
        switch name {
        case "mode":
            guard let mode = Target.Mode(rawValue: value) else { throw Unknown(setting: value) }
            self.mode = mode
        case "neighbours": hasNeighbours = value == "true"
        case "waits": waits = value == "true"
        case "reactors": reactors = try number(value)
        case "rehearsals": rehearsals = try number(value)
        case "everyone":
            configuration.permissions = .everyone
            configuration.accessPolicy = .anyUser
        case "admits": configuration.accessPolicy = .users([UInt32(try number(value))])
        case "inherits": inherits = value == "true"
        case "handOverGrace": configuration.handOverGrace = .milliseconds(try number(value))
        case "takesOver": if value == "true" { configuration.existingServer = .takeOver }
        case "connections": configuration.maximumConnectionCount = try number(value)
        case "byteBudget": configuration.byteBudget = try number(value)
        case "asyncDelay": asyncDelay = .milliseconds(try number(value))
        case "connectionsPerUser": configuration.maximumConnectionCountPerUser = try number(value)
        default: return false
        }
        return true
    }

    private mutating func applyToConnections(_ name: String, _ value: String) throws -> Bool {
        switch name {
        case "highWaterMark":
            configuration.connection.highWaterMark = try number(value)
            configuration.connection.lowWaterMark = try number(value) / 4
        case "sendQueueLimit": configuration.connection.sendQueueLimit = try number(value)
        case "lacksPassRights": configuration.connection.lacksPassRights = value == "true"
        case "frameDeadline": configuration.connection.frameDeadline = .milliseconds(try number(value))
        case "idleLimit": configuration.connection.idleLimit = .milliseconds(try number(value))
        case "writeStallDeadline": configuration.connection.writeStallDeadline = .milliseconds(try number(value))
        default: return false
        }
        return true
    }

    private func number(_ text: String) throws -> Int {
        guard let number = Int(text) else { throw Unknown(setting: text) }
        return number
    }
}

private func raiseDescriptorLimit() {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard unsafe getrlimit(resource, &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(resource, &limit)
}
