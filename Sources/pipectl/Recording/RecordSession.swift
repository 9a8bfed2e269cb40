// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesProgram
internal import Synchronization

/// One run of `pipectl record`: the file, and the lines for the operator. Any thread may use it.
final class RecordSession: Sendable {
    fileprivate struct State {
        let recorder: Recorder
        var progress = Progress(onErrorsIf: true)
        var lastUpdate: ContinuousClock.Instant?
    }

    private let state: Mutex<State>
    private let address: String
    private let place: RecordingFile.Place
    private let printsResult: Bool

    /// - Parameters:
    ///   - address: the server's.
    ///   - place: where the recording goes.
    ///   - replaces: whether to remove a regular file that is there.
    ///   - messageLimit: how many messages are wanted; nil for all.
    ///   - printsResult: whether the end is a JSON object on standard output, too.
    init(
        of address: String, to place: RecordingFile.Place, replacing replaces: Bool, messageLimit: Int?,
        printsResult: Bool
    ) {
        self.address = address
        self.place = place
        self.printsResult = printsResult
        let recorder = Recorder(of: address, messageLimit: messageLimit) {
            try RecordingFile(at: place, replacing: replaces)
        } didBegin: {
            StandardError.note("recording \(address); a signal ends it")
        }
        state = Mutex(State(recorder: recorder))
    }

    /// Records events, and shows the progress.
    ///
    /// - Throws: as ``Recorder/take(_:)``.
    func take(_ events: [CaptureEvent]) throws {
        try state.withLock { state in
            try state.recorder.take(events)
            guard state.lastUpdate.map({ .now - $0 >= .milliseconds(250) }) ?? true else { return }
            state.lastUpdate = .now
            state.progress.update(state.recorder.totals.text)
        }
    }

    /// Prints a line for the operator, in place of the progress.
    func report(_ line: String) {
        state.withLock { $0.progress.clear() }
        StandardError.note(line)
    }

    /// Completes the recording.
    ///
    /// - Parameter result: how the capture has ended.
    /// - Throws: ``Failure``, unless it was an end that the operator wanted.
    func conclude(_ result: Result<Void, any Error>) throws(Failure) {
        // A thread that cannot write may be left behind in take().
        let isTaken: Void? = try state.withLockIfAvailable { state throws(Failure) in
            let end = Result { () throws(Failure) in try state.conclude(result) }
            let printing = Result { () throws(Failure) in
                if printsResult, state.recorder.hasBegun { try printResult(state.recorder.totals) }
            }
            try end.get()
            try printing.get()
        }
        if isTaken == nil { throw Failure("the recording is truncated: its reader has stopped reading") }
    }

    private func printResult(_ totals: RecordingEncoder.Totals) throws(Failure) {
        guard case .path(let path) = place else { return }
        let result = Outcome(
            address: address, file: String(decoding: path, as: UTF8.self), messages: totals.messageCount,
            bytes: totals.byteCount, lost: totals.lostCount)
        try StandardOutput.print(jsonLine(result))
    }

    private struct Outcome: Encodable {
        let address: String
        let file: String
        let messages: Int
        let bytes: Int
        let lost: Int
    }
}

extension RecordSession.State {
    fileprivate mutating func conclude(_ result: Result<Void, any Error>) throws(Failure) {
        progress.clear()
        let rest = Result { try recorder.finish() }
        if recorder.hasBegun { StandardError.note("recorded \(recorder.totals.text)") }
        do {
            do { try result.get() } catch is CancellationError {
                guard recorder.hasBegun else { throw Failure("interrupted") }
            } catch is Recorder.Finished {}
            try rest.get()
        } catch {
            throw Failure(error)
        }
    }
}
