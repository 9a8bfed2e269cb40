// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NamedPipes
internal import NamedPipesProgram

/// What is sent, and how fast.
struct LoadOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("The number of connections.", valueName: "number"))
    var connections = 10

    @Option(
        help: ArgumentHelp(
            "The number of messages on their way on each connection. (default: 1)", valueName: "number"))
    var inFlight: Int?

    @Option(
        help: ArgumentHelp("Messages a second, over all connections, whatever the server does.", valueName: "number"))
    var rate: Double?

    @Option(help: ArgumentHelp("The size of each message, with unit. (default: 64)", valueName: "size"))
    var size: ByteSize?

    @Option(
        help: ArgumentHelp("Send this text in each message. Its replies may be anything.", valueName: "text"))
    var message: String?

    @Option(help: ArgumentHelp("The text that each reply has to be.", valueName: "text"))
    var expect: String?

    @Flag(help: "Count the replies without comparing them with the messages.")
    var noCheck = false

    /// Refuses what cannot be sent or checked.
    func check(_ wire: WireOptions) throws {
        guard (1...100_000).contains(connections) else { throw ValidationError("--connections is from 1 to 100000") }
        if let inFlight, !(1...1_000_000).contains(inFlight) {
            throw ValidationError("--in-flight is from 1 to 1000000")
        }
        if let rate {
            guard rate >= 0.001, rate <= 1e8 else { throw ValidationError("--rate is from 0.001 to 100000000") }
            if inFlight != nil {
                throw ValidationError("--rate sends messages when they are due, and --in-flight when one is answered")
            }
        }
        if size != nil, message != nil { throw ValidationError("--message has its own size") }
        if noCheck, expect != nil { throw ValidationError("--expect compares, and --no-check does not") }
        let count = content.bytes.count
        guard count <= wire.maximumMessageByteCount else {
            throw ValidationError(
                "a message of \(count) bytes exceeds \(wire.maximumMessageByteCount) (--max-message raises it)")
        }
        guard wire.framing == "raw" else { return }
        guard replyByteCount ?? 0 > 0 else {
            throw ValidationError("raw bytes have no boundaries: --message needs --expect, and nothing may be empty")
        }
    }

    /// - Parameter timeout: for the next reply.
    func plan(_ client: PipeClient.Configuration, _ wire: WireOptions, timeout: Duration?) -> LoadPlan {
        LoadPlan(
            connectionCount: connections,
            pace: rate.map { .open(messagesPerSecond: $0) } ?? .closed(inFlight: inFlight ?? 1),
            message: content, expectation: expectation,
            streamedReplyByteCount: wire.framing == "raw" ? replyByteCount : nil, timeout: timeout, client: client)
    }

    private var content: LoadMessage {
        message.map { LoadMessage(fixed: Arguments.bytes(of: $0)) } ?? LoadMessage(byteCount: size?.byteCount ?? 64)
    }

    private var expectation: ReplyCheck.Expectation {
        if let expect { return .text(Arguments.bytes(of: expect)) }
        return noCheck || message != nil ? .anything : .sameMessage
    }

    /// Nil if a reply may have any size.
    private var replyByteCount: Int? {
        if let expect { return Arguments.bytes(of: expect).count }
        return message == nil ? content.bytes.count : nil
    }
}

/// How long it is measured.
struct RoundOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The warm-up time before measuring begins; 0 for none.", valueName: "time"))
    var warmUp = TimeLimit(milliseconds: 500)

    @Option(help: ArgumentHelp("How long to measure each server. (default: 5s)", valueName: "time"))
    var duration: TimeLimit?

    @Option(
        help: ArgumentHelp(
            "How many messages to measure each server with, instead of a duration.", valueName: "number"))
    var count: Int?

    @Option(
        name: .customLong("rounds"),
        help: ArgumentHelp(
            "The number of rounds to divide that into. (default: 9 with --compare, otherwise 1)", valueName: "number"))
    var roundCount: Int?

    func check(isComparison: Bool) throws {
        if count != nil, duration != nil { throw ValidationError("--count and --duration: choose one") }
        if let duration, duration.duration == nil { throw ValidationError("--duration needs a time") }
        let rounds = rounds(isComparison)
        guard (1...10_000).contains(rounds) else { throw ValidationError("--rounds is from 1 to 10000") }
        if let count, count < rounds { throw ValidationError("--count is at least 1 a round, thus \(rounds)") }
    }

    /// The messages of a `--count` that cannot be divided go to each round: it may measure a few more.
    func schedule(isComparison: Bool) -> BenchRun.Schedule {
        let rounds = rounds(isComparison)
        let length: RoundLength =
            count.map { .count(($0 + rounds - 1) / rounds) }
            ?? .duration((duration ?? TimeLimit(seconds: 5)).orForEver / rounds)
        return .init(warmUp: warmUp.duration ?? .zero, length: length, roundCount: rounds)
    }

    private func rounds(_ isComparison: Bool) -> Int { roundCount ?? (isComparison ? 9 : 1) }
}
