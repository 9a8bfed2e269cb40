// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// The load that a server gets.
struct LoadPlan {
    var connectionCount: Int
    var pace: Pace
    var message: LoadMessage
    var expectation: ReplyCheck.Expectation
    /// For a framing without boundaries: the number of bytes of a reply.
    var streamedReplyByteCount: Int?
    /// How long to wait for a server that does not answer; nil is for ever.
    var timeout: Duration?
    var client: PipeClient.Configuration
}

/// How long a round lasts.
enum RoundLength {
    case duration(Duration)
    /// The number of messages.
    case count(Int)
}
