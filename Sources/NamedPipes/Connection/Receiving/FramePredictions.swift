// SPDX-License-Identifier: Apache-2.0

/// Whether large frames have lately had the size that was predicted for them, at any connection of an endpoint: a
/// saturating counter, as in the branch predictor of a processor.
///
/// A right prediction saves a copy. A wrong one takes memory for a whole frame, and the bytes land in it rather than in
/// the receive buffer, which is in the processor's cache: among messages of many sizes, predictions took a tenth of the
/// server's CPU time.
///
/// All connections of an endpoint share the counter, because most servers' clients speak alike. A client of many sizes
/// costs the others their predictions, and no more than those.
struct FramePredictions {
    private var score = 0
    private var skippedCount = 0

    /// The score never leaves -maximumScore...maximumScore.
    static let maximumScore = 4

    /// While predictions are mostly wrong, one of this many is made, to find out whether they would be right again.
    static let trialInterval = 16

    /// Whether to predict a frame now. Asked before each read that may end a large frame.
    mutating func isWorthTrying() -> Bool {
        if score >= 0 { return true }
        skippedCount = (skippedCount + 1) % Self.trialInterval
        return skippedCount == 0
    }

    /// Notes whether a frame had the size that was predicted for it.
    mutating func note(wasRight: Bool) {
        score = min(max(score + (wasRight ? 1 : -1), -Self.maximumScore), Self.maximumScore)
    }
}
