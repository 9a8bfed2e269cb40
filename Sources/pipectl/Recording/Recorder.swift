// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// Writes the events of a capture into a file, and ends the capture when there are enough. On one thread.
final class Recorder {
    /// Thrown by ``take(_:)`` when all wanted messages are recorded.
    struct Finished: Error {}

    /// What is in the file.
    private(set) var totals = RecordingEncoder.Totals()

    /// Whether the file was made.
    var hasBegun: Bool { output != nil }

    private let address: String
    private let makeFile: () throws -> RecordingFile
    private let messageLimit: Int?
    private let didBegin: () -> Void
    /// Nil before the capture has begun.
    private var output: (encoder: RecordingEncoder, file: RecordingFile)?
    /// Nothing follows in the file: it has its end, or could not be written.
    private var isComplete = false

    /// - Parameters:
    ///   - address: the server's.
    ///   - messageLimit: how many messages are wanted; nil for all.
    ///   - makeFile: called when the capture has begun, so that one that cannot begin leaves no file.
    ///   - didBegin: called after that.
    init(
        of address: String, messageLimit: Int?, makeFile: @escaping () throws -> RecordingFile,
        didBegin: @escaping () -> Void
    ) {
        self.address = address
        self.messageLimit = messageLimit
        self.makeFile = makeFile
        self.didBegin = didBegin
    }

    /// Records events. None are recorded behind the last wanted message, the counts or a failure.
    func take(_ events: [CaptureEvent]) throws {
        if isComplete { throw Finished() }
        let isBeginning = !hasBegun
        if isBeginning { output = (RecordingEncoder(of: address, at: WallClock.nanoseconds), try makeFile()) }
        for event in events {
            output?.encoder.append(event)
            if output?.encoder.totals.messageCount == messageLimit { break }
        }
        try write()
        if isBeginning { didBegin() }
        if totals.messageCount == messageLimit { throw Finished() }
    }

    /// Writes the counts at the end, if anything was recorded, and nothing if the file could not be written before.
    func finish() throws {
        guard hasBegun, !isComplete else { return }
        defer { isComplete = true }
        output?.encoder.finish(at: WallClock.nanoseconds)
        try write()
    }

    private func write() throws {
        guard let bytes = output?.encoder.take(), case (let encoder, let file)? = output else { return }
        do { if !bytes.isEmpty { try file.write(bytes) } } catch {
            isComplete = true
            throw error
        }
        totals = encoder.totals
    }
}
