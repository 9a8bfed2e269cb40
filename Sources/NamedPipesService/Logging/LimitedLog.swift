// SPDX-License-Identifier: Apache-2.0
#if Service
internal import Logging
internal import NamedPipes
internal import Synchronization

/// A log for events that clients cause: a limited number of lines a second, without any data that clients have sent.
final class LimitedLog: Sendable {
    private let describesErrors: Bool
    private let limit = Mutex(LogLimit())

    init(describesErrors: Bool) { self.describesErrors = describesErrors }

    /// Writes a line. A line above the limit is written at the debug level, and counted by the next line within the
    /// limit.
    func write(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata, to logger: Logger) {
        guard let suppressed = limit.withLock({ $0.admit(at: .now) }) else {
            return logger.debug(message, metadata: metadata)
        }
        let more: Logger.Metadata = suppressed > 0 ? [MetadataKey.suppressed: "\(suppressed)"] : [:]
        logger.log(level: level, message, metadata: metadata.and(more))
    }

    /// An error's text, if it cannot contain anything that a client has sent, or its type.
    func describe(_ error: any Error) -> Logger.Metadata {
        let isOurs = error is PipeError || error is SystemError
        return .detail(describesErrors || isOurs ? "\(error)" : "\(type(of: error))")
    }
}

extension Logger.Metadata {
    static func detail(_ text: String) -> Self { [MetadataKey.detail: "\(text)"] }

    func and(_ more: Self) -> Self { merging(more) { $1 } }
}
#endif
