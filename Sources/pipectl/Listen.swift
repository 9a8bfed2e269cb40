// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram
internal import Synchronization

struct Listen: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a pipe and print every message, one a line.",
        discussion: """
            Messages go to standard output, with control characters escaped; everything else goes to standard error. \
            A slow reader of the output makes the senders wait; when it has \
            gone, the server stops with status 1.

            With --json each line is an object: time, connection, peer (uid, gid and pid at the moment of connecting), \
            size in bytes, and message; or base64 in place of message if the bytes are not UTF-8.

              pipectl listen events
              pipectl listen events --json | jq .peer.pid
              pipectl listen fifo:/run/app/commands --framing newline

            With --reactors, the messages of one client come in their order, and those of several as they arrive.

            A FIFO (fifo:PATH) is made if it is not there, for this user alone, and removed at the end; one that is there \
            keeps its mode, and stays. Any program can write to it: echo restart > /run/app/commands. Its peer is unknown, \
            and a line that is too long is skipped.
            """)

    @Argument(help: "The name to take; see pipectl --help.", completion: .file(), transform: parseDestination)
    var address: Destination?

    @Flag(help: "Print one JSON object a message.")
    var json = false

    @OptionGroup var printing: PrintOptions
    @OptionGroup var wire: WireOptions
    @OptionGroup var options: ServerOptions
    @OptionGroup var reactors: ReactorOptions

    func validate() throws {
        try options.check(address, isNeeded: true)
        try reactors.check(address)
        if json, printing.raw { throw ValidationError("--json and --raw are two ways to print; choose one") }
    }

    func run() throws {
        let reactor = try Reactor()
        let style: MessageStyle = json ? .json : printing.raw ? .raw : .text
        let announce: ServerSession.Announcement = { StandardError.write($0 + "\n") }
        if reactors.isPool {
            let output = Mutex(())
            try PoolSession(reactor).run(
                address, wire, options, on: (reactors.reactors.count, Reactor.Configuration()), home: reactor,
                announce: announce
            ) { connection, message in
                let line = style.line(for: Array(copying: message), from: connection)
                // Whole lines: a write to a pipe may be cut where another thread's begins.
                try output.withLock { _ in try StandardOutput.print(line) }
            }
        } else {
            let session = ServerSession(reactor) { connection, message in
                try StandardOutput.print(style.line(for: Array(copying: message), from: connection))
            }
            try session.run(address, wire, options, announce: announce)
        }
    }
}
