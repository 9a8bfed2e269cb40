// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram

/// What a client tells its user on standard error, besides its results and the failure that ends it.
struct ClientLog: Sendable {
    let verbosity: Verbosity

    /// A line in the usual case, without which the user misses nothing.
    func note(_ text: @autoclosure () -> String) {
        if verbosity != .quiet { StandardError.note(text()) }
    }

    /// A line for a user who wants to know each step.
    func detail(_ text: @autoclosure () -> String) {
        if verbosity == .verbose { StandardError.note(text()) }
    }

    /// - Parameter destination: the address, or the command in its place.
    func willConnect(to destination: String, _ wire: WireOptions) {
        detail(
            "connecting to \(printable(destination)), framing \(wire.framing), "
                + "messages of at most \(grouped(wire.maximumMessageByteCount)) bytes")
    }

    func didConnect(to peer: PeerCredentials) { detail("connected to \(peer)") }

    /// - Parameter number: the message's, from 1.
    func didSend(_ number: Int, _ byteCount: Int, _ verdict: PipeConnection.SendVerdict) {
        let isLast = verdict == .acceptedAboveHighWaterMark
        detail(
            "sent \(grouped(number)), \(counted(byteCount, "byte"))"
                + (isLast ? "; the next one waits until the server has read" : ""))
    }

    /// - Parameter number: the message's, from 1.
    func didReceive(_ number: Int, _ byteCount: Int) {
        detail("received \(grouped(number)), \(counted(byteCount, "byte"))")
    }

    func didEnd(_ reason: DisconnectReason) { detail("the connection was \(reason.text)") }
}

/// `-v` and `-q` of a client.
struct ClientVerbosityOptions: ParsableArguments {
    @Flag(
        name: .shortAndLong,
        help: "Report the address, the server's process, each message and the end on standard error.")
    var verbose = false

    @Flag(name: .shortAndLong, help: "Report nothing but the failure that ends the command.")
    var quiet = false

    func validate() throws {
        if verbose, quiet { throw ValidationError("--verbose and --quiet: choose one") }
    }

    var log: ClientLog { ClientLog(verbosity: verbose ? .verbose : quiet ? .quiet : .usual) }
}
