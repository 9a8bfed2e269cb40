// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the names at which this user's processes listen; for root, all.",
        discussion: """
            Shows program, process, accepted connections, clients that wait to be accepted, framing and address of \
            every Unix stream socket that listens in this network namespace, whatever program has made it. Several \
            sockets of one process are several lines. A '+' means that pipectl stat has numbers of the server itself; \
            only these servers are asked for their framing, and have --timeout to answer, all together.

              pipectl ls
              pipectl ls app
              pipectl ls --json | jq 'select(.waitingCount > 0)'

            FIFOs and names at a broker are not listed. Ends with status 1 if the kernel does not show its sockets.
            """)

    @Argument(help: "Only addresses that contain this text.", transform: parseText)
    var text: String?

    @Flag(help: "Also names whose process is another user's, and names of statistics (ADDRESS.stat).")
    var all = false

    @Flag(help: "Print one JSON object a name.")
    var json = false

    @Option(help: ArgumentHelp("The time limit for all answers of servers together.", valueName: "time"))
    var timeout = TimeLimit(seconds: 1)

    func run() throws {
        var pipes: [LivePipe]
        do {
            pipes = try LivePipe.all(includingHidden: all).filter { text.map($0.address.contains) ?? true }
        } catch {
            throw Failure("the kernel does not list its sockets: \(error)")
        }
        do {
            pipes = try LivePipe.withFramings(pipes, timeout: timeout.duration)
        } catch {
            throw Failure(error)
        }
        try StandardOutput.print(json ? pipes.map { jsonLine($0) }.joined() : Self.table(pipes))
    }

    /// The address is the last column, because it can be long.
    static func table(_ pipes: [LivePipe]) -> String {
        let rows = pipes.map { pipe in
            [
                pipe.program ?? "-", pipe.pid.map { "\($0)" } ?? "-", grouped(pipe.acceptedCount),
                grouped(pipe.waitingCount), pipe.framing.map(shortened) ?? "-",
                (pipe.offersStatistics ? "+" : " ") + pipe.address,
            ]
        }
        return listingTable([["PROGRAM", "PID", "OPEN", "WAITING", "FRAMING", " ADDRESS"]] + rows)
    }

    /// A delimiter can have hundreds of digits.
    private static func shortened(_ framing: String) -> String {
        framing.count > 21 ? framing.prefix(20) + Arrows().ellipsis : framing
    }

    /// The first and the last column are left-aligned, the others right-aligned, two spaces apart.
    private static func listingTable(_ rows: [[String]]) -> String {
        let last = rows[0].count - 1
        let widths = (0..<last).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = widths.enumerated().map { column, width in
                let padding = String(repeating: " ", count: width - row[column].count)
                return column == 0 ? row[column] + padding : padding + row[column]
            }
            return (cells + [row[last]]).joined(separator: "  ").trimmingSuffix { $0 == " " } + "\n"
        }.joined()
    }
}

extension String {
    fileprivate func trimmingSuffix(while isTrimmed: (Character) -> Bool) -> String {
        String(self[..<(lastIndex { !isTrimmed($0) }.map { index(after: $0) } ?? startIndex)])
    }
}
