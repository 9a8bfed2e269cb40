// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram

struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send messages: the arguments, or standard input line by line.",
        discussion: """
            Ends with status 0 when every message is sent, that is in the kernel; with --reply, when each has its reply. \
            Input is read no faster than the server reads. --timeout limits each wait, not their sum.

              pipectl send thermostat 'set 21.5' --reply
              pipectl send events --wait < /var/log/app.log
              pipectl send --stdio hello > hello.frames

            With --stdio, it writes to standard output in place of a server, and reads replies from standard input. All \
            arguments are messages then, and replies are printed on standard error.
            """)

    @Argument(
        help: "The name of the pipe; see pipectl --help.", completion: .liveAddresses,
        transform: OptionalDestination.init)
    var address: OptionalDestination?

    @Argument(help: "One message each; without any, every line of standard input is one.")
    var messages: [String] = []

    @Flag(help: "Speak over standard input and output, instead of connecting.")
    var stdio = false

    @Flag(help: "Wait for one reply to each message, before the next one, and print it.")
    var reply = false

    @Option(
        name: .customLong("descriptor"),
        help: ArgumentHelp(
            "A file to open for reading and send with the first message; any number of times. Needs --framing descriptors.",
            valueName: "file"))
    var descriptors: [String] = []

    @OptionGroup var client: ClientOptions
    @OptionGroup var printing: PrintOptions
    @OptionGroup var wire: WireOptions
    @OptionGroup var loop: LoopOptions
    @OptionGroup var verbosity: ClientVerbosityOptions

    func validate() throws {
        try validateDescriptors()
        if stdio {
            if address == nil { throw ValidationError("with --stdio, the messages are arguments") }
        } else {
            guard let address else { throw ValidationError("Missing expected argument '<address>'") }
            if case .broker = try address.destination(), !descriptors.isEmpty {
                throw ValidationError("files are sent to a server on this machine")
            }
        }
    }

    private func validateDescriptors() throws {
        guard !descriptors.isEmpty else { return }
        guard wire.framing == "descriptors" else { throw ValidationError("--descriptor needs --framing descriptors") }
        guard !stdio else { throw ValidationError("--descriptor needs a server to connect to") }
        let limit = DescriptorFraming.maximumDescriptorCount
        guard descriptors.count <= limit else { throw ValidationError("at most \(limit) files go with a message") }
    }

    func run() throws {
        let messages = stdio ? [address?.text ?? ""] + messages : messages
        let reactor = try loop.makeReactor()
        let plan = SendSession.Plan(
            messages: messages.isEmpty ? nil : messages.map(Arguments.bytes), awaitsReplies: reply,
            style: printing.raw ? .raw : .text, timeout: client.timeout.duration, log: verbosity.log)
        var files = OutgoingDescriptors()
        for path in descriptors { files.append(taking: try InputFile.open(path)) }
        let session = SendSession(reactor, plan, files)
        let configuration = client.configuration(wire)
        verbosity.log.willConnect(to: stdio ? "standard input and output" : address?.text ?? "", wire)
        if let address, !stdio {
            try session.run(to: address.destination(), configuration)
        } else {
            try session.runOverStandardStreams(configuration)
        }
    }
}
