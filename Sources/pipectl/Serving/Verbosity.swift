// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// How much a command says about itself, besides its results and its failures.
enum Verbosity: Sendable {
    /// Nothing.
    case quiet
    /// The beginning, the end, and problems.
    case usual
    /// Every connection as well.
    case verbose
}

/// `-v` and `-q`.
struct VerbosityOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Report the beginning and the end of each connection on standard error.")
    var verbose = false

    @Flag(name: .shortAndLong, help: "Report nothing but the failure that ends the command.")
    var quiet = false

    func validate() throws {
        if verbose, quiet { throw ValidationError("--verbose and --quiet: choose one") }
    }

    var level: Verbosity { verbose ? .verbose : quiet ? .quiet : .usual }
}
