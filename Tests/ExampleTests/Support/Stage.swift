// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Testing

/// The meeting place of an example's program and the test's clients: an address of their own, and the clients' reactor.
final class Stage {
    let reactor: Reactor
    let address: PipeAddress

    private let place: Place
    private var programs: [Example] = []

    init() throws {
        reactor = try Reactor()
        place = try Place()
        address = place.address
    }

    /// Ends what lives on the reactor.
    deinit {
        reactor.stop()
        reactor.run()
    }

    /// Starts an example with the address as its first argument, and returns when clients can connect. It runs until
    /// the test ends, or ends before.
    @discardableResult
    func start(_ name: String, _ arguments: [String] = []) throws -> Example {
        let program = try Example(command: [Example.path(name), address.description] + arguments, on: reactor)
        programs.append(program)
        try program.waitForLine("listening on \(address)")
        return program
    }
}
