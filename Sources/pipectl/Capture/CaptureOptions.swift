// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes

/// Which messages to capture.
struct CaptureOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Only this connection, by its identifier in pipectl top.", valueName: "id"),
        transform: parseText)
    var connection: String?

    @Option(help: ArgumentHelp("Only clients of this user, by name or number.", valueName: "user"))
    var user: UserID?

    @Option(help: ArgumentHelp("Only clients of this process.", valueName: "pid"))
    var pid: Int32?

    @Option(help: ArgumentHelp("Only messages to the server (in), or from it (out).", valueName: "in|out"))
    var direction: CapturedMessage.Direction?

    var filter: CaptureFilter {
        CaptureFilter(connection: connection, userID: user?.number, processID: pid, direction: direction)
    }
}

extension CapturedMessage.Direction: ExpressibleByArgument {
    init?(argument: String) {
        guard let direction = Self.allCases.first(where: { $0.name == argument }) else { return nil }
        self = direction
    }

    /// As the server sees it.
    var name: String {
        switch self {
        case .toServer: "in"
        case .toClient: "out"
        }
    }

    static var allValueStrings: [String] { allCases.map(\.name) }
}
