// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import NamedPipes

/// Where a command serves or connects: a name on this machine, or one at a NATS broker.
enum Destination: Sendable {
    case local(PipeAddress)
    case broker(BrokerAddress)
}

extension Destination: CustomStringConvertible {
    var description: String {
        switch self {
        case .local(let address): address.description
        case .broker(let address): address.description
        }
    }
}

extension Destination {
    /// Whether both are the same name, which may be spelled in several ways.
    func isSame(as other: Destination) -> Bool {
        guard case .local(let address) = self, case .local(let other) = other, let path = address.path,
            let otherPath = other.path
        else { return description == other.description }
        return Self.canonical(path) == Self.canonical(otherPath)
    }

    /// The file itself does not have to exist.
    private static func canonical(_ path: String) -> String {
        let url = URL(filePath: path).standardizedFileURL
        return url.deletingLastPathComponent().resolvingSymlinksInPath().appending(path: url.lastPathComponent).path
    }
}

/// The address that a command takes.
struct DestinationArgument: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The name of the pipe; see pipectl --help.", valueName: "address"),
        completion: .liveAddresses, transform: parseDestination)
    var destination: Destination
}

/// An address that only some uses of a command take, and that is a plain text for the others.
struct OptionalDestination: Sendable {
    /// As given on the command line.
    let text: String

    /// Throws the error that ArgumentParser would show for an argument that is an address in every case.
    func destination() throws -> Destination {
        do {
            return try parseDestination(text)
        } catch let error as ValidationError {
            throw ValidationError("The value '\(printable(text))' is invalid for '<address>': \(error.message)")
        }
    }
}

/// Throws an error that ArgumentParser shows after the refused text.
@Sendable
func parseDestination(_ text: String) throws -> Destination {
    let text = try parseText(text)
    if BrokerScheme.begins(text) { return .broker(try BrokerAddress(parsing: text)) }
    return .local(try parseAddress(text))
}

/// Throws an error that ArgumentParser shows after the refused text.
@Sendable
func parseAddress(_ text: String) throws -> PipeAddress {
    let text = try parseText(text)
    // An option in the wrong place, or with a typing error, is no name.
    if text.hasPrefix("-") { throw ValidationError("a name that begins with '-' is given as a path") }
    do {
        return try PipeAddress(parsing: text)
    } catch PipeError.invalidAddress(let reason) {
        throw ValidationError(reason.hinted)
    }
}

extension PipeAddress {
    /// Whether its file is a FIFO, also if it is given as a path.
    var isFIFO: Bool {
        var status = stat()
        guard kind != .abstract, unsafe stat(text, &status) == 0 else { return false }
        return status.st_mode & S_IFMT == S_IFIFO
    }
}
