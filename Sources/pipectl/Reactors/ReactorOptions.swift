// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes

/// How many reactors serve the clients of a name.
struct ReactorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The number of reactors that serve connections, each with a thread of its own, or 'cores' for one for each processor.",
            valueName: "number"))
    var reactors = ReactorNumber(count: 1)

    /// Whether there is more than one. One serves on the main thread, without a pool.
    var isPool: Bool { reactors.count.value > 1 }

    /// Refuses what a pool cannot serve.
    func check(_ destination: Destination?) throws {
        guard isPool else { return }
        switch destination {
        case .local(let address) where address.kind == .fifo:
            throw ValidationError("a FIFO is one stream, which one reactor reads: --reactors is for sockets")
        case .broker: throw ValidationError("a link to a broker is one reactor's: start several servers at the name")
        case .local, nil: break
        }
    }
}

/// A number of reactors as a person writes it: `4`, `cores`.
struct ReactorNumber: ExpressibleByArgument {
    let count: ReactorCount

    init(count: ReactorCount) { self.count = count }

    init?(argument: String) {
        if argument == "cores" {
            count = .cores
        } else {
            // A number beyond the limits would silently be another one.
            guard let number = Int(argument), ReactorCount(number).value == number else { return nil }
            count = ReactorCount(number)
        }
    }

    var defaultValueDescription: String { "\(count.value)" }
}
