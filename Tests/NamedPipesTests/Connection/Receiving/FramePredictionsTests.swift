// SPDX-License-Identifier: Apache-2.0
import PipeTestSupport
import Testing

@testable import NamedPipes

@Suite struct `Predictions of frames` {
    /// How many predictions are made for `count` frames.
    private func predicted(_ count: Int, _ predictions: inout FramePredictions) -> Int {
        (0..<count).count { _ in predictions.isWorthTrying() }
    }

    @Test func `are made from the beginning, and rarely after a wrong one`() {
        var predictions = FramePredictions()
        #expect(predicted(100, &predictions) == 100)
        predictions.note(wasRight: false)
        #expect(predicted(160, &predictions) == 10)
    }

    @Test func `are made again after four right ones, however long they were wrong`() {
        var predictions = FramePredictions()
        for _ in 0..<1000 { predictions.note(wasRight: false) }
        for right in 1...FramePredictions.maximumScore {
            predictions.note(wasRight: true)
            let expected = right == FramePredictions.maximumScore ? 160 : 10
            #expect(predicted(160, &predictions) == expected)
        }
    }

    @Test func `survive a few frames of other sizes among many of one`() {
        var predictions = FramePredictions()
        for _ in 0..<1000 { predictions.note(wasRight: true) }
        for _ in 0..<FramePredictions.maximumScore { predictions.note(wasRight: false) }
        #expect(predicted(160, &predictions) == 160)
    }

    @Test func `learn from what a connection receives`() throws {
        try withLoop { loop in
            let raw = try RawClient(loop)
            let endpoint = try raw.accepted.endpoint
            // Nearly as large as one read, so that each read behind a frame reaches the place of the next one, however
            // much the socket holds.
            let repeated = Array(repeating: 220_000, count: 20)
            let alternating = repeated.indices.map { $0.isMultiple(of: 2) ? 210_000 : 225_000 }
            let repeatedLong = Array(repeating: 220_000, count: 100)
            for (sizes, expected) in [(repeated, 160), (alternating, 10), (repeatedLong, 160)] {
                let stream = sizes.flatMap { frame(letters($0)) }
                let goal = raw.recorder.messageCount + sizes.count
                let hasAll = { raw.recorder.messageCount == goal }
                #expect(raw.peer.exchange(stream, until: hasAll, pieces: 150_000...300_000, loop))
                #expect(predicted(160, &endpoint.predictions) == expected)
            }
        }
    }
}
