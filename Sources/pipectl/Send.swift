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
            """)

    @OptionGroup var target: AddressArgument

    @Argument(help: "One message each; without any, every line of standard input is one.")
    var messages: [String] = []

    @Flag(help: "Wait for one reply to each message, before the next one, and print it.")
    var reply = false

    @OptionGroup var client: ClientOptions
    @OptionGroup var printing: PrintOptions
    @OptionGroup var wire: WireOptions
    @OptionGroup var loop: LoopOptions

    func run() throws {
        let reactor = try loop.makeReactor()
        let plan = SendSession.Plan(
            messages: messages.isEmpty ? nil : messages.map(Arguments.bytes), awaitsReplies: reply,
            style: printing.raw ? .raw : .text, timeout: client.timeout.duration)
        let session = SendSession(reactor, plan)
        try session.run(target.address, client.configuration(wire))
    }
}
