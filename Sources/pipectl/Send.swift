// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc
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
            """)

    @OptionGroup var target: AddressArgument

    @Argument(help: "One message each; without any, every line of standard input is one.")
    var messages: [String] = []

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

    func validate() throws {
        guard !descriptors.isEmpty else { return }
        guard wire.framing == "descriptors" else { throw ValidationError("--descriptor needs --framing descriptors") }
        let limit = DescriptorFraming.maximumDescriptorCount
        guard descriptors.count <= limit else { throw ValidationError("at most \(limit) files go with a message") }
    }

    func run() throws {
        let reactor = try loop.makeReactor()
        let plan = SendSession.Plan(
            messages: messages.isEmpty ? nil : messages.map(Arguments.bytes), awaitsReplies: reply,
            style: printing.raw ? .raw : .text, timeout: client.timeout.duration)
        var files = OutgoingDescriptors()
        for path in descriptors { files.append(taking: try openFile(at: path)) }
        let session = SendSession(reactor, plan, files)
        try session.run(target.address, client.configuration(wire))
    }
}

/// Opens a file for reading, as `cat` does.
private func openFile(at path: String) throws(Failure) -> Int32 {
    let name = Arguments.bytes(of: path).map(CChar.init(bitPattern:)) + [0]
    let descriptor = unsafe open(name, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
        throw Failure("cannot open \(printable(Arguments.bytes(of: path))): \(SystemError(call: "open", code: errno))")
    }
    return descriptor
}
