// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes

/// Whether to stand between a server and its clients, and how.
struct BetweenOptions: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            "Stand between a server that offers no tap and its clients, which changes what both see: see above."))
    var between = false

    @Flag(help: "With --between: admit clients of any user, who have this user's rights at the server meanwhile.")
    var anyUser = false

    @OptionGroup var wire: WireOptions

    func validate() throws {
        guard !between else { return }
        if anyUser { throw ValidationError("--any-user is for --between") }
        if wire.framing != WireOptions.defaultFraming || wire.maxMessage != nil {
            throw ValidationError("--framing and --max-message are for --between; a server knows its own")
        }
    }

    /// The source of the messages: the server itself, or what stands between.
    ///
    /// - Parameters:
    ///   - contentLimit: how many bytes of a message are wanted; nil for all. A server reports no more than
    ///     ``ServerCapture/maximumContentLimit``.
    ///   - timeout: for each connection to the server; nil is for ever.
    ///   - patience: how long the function that takes the events may still need at the end; nil is for ever. The
    ///     default is one second.
    ///   - report: gets what the operator should know, a line each, on the thread of that function.
    func source(
        _ address: PipeAddress, _ filter: CaptureFilter, contentLimit: Int?, timeout: Duration?,
        patience: Duration? = .seconds(1), report: @escaping @Sendable (String) -> Void
    ) -> any CaptureSource {
        guard between else {
            let limit = min(contentLimit ?? .max, ServerCapture.maximumContentLimit)
            return ServerCapture(
                address: address, filter: filter, contentLimit: limit,
                timeout: timeout ?? TimeLimit(seconds: 0).orForEver)
        }
        var configuration = PipeConnection.Configuration()
        wire.apply(to: &configuration)
        return StandingBetween(
            address: address, framing: configuration.framing, filter: filter, contentLimit: contentLimit,
            admitsAnyUser: anyUser, timeout: timeout, patience: patience, report: report)
    }
}
