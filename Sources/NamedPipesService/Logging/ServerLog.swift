// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import NamedPipes
internal import Synchronization

/// Writes a server's events to a log: what happened and to whom, never what was sent.
final class ServerLog: Sendable {
    private let logger: Logger
    private let describesErrors: Bool
    private let limit = Mutex(LogLimit())

    init(_ logger: Logger, describesErrors: Bool) {
        self.logger = logger
        self.describesErrors = describesErrors
    }

    func note(_ event: PipeServer.ServeEvent) {
        switch event {
        case .listening: logger.info("listening")
        case .connected(let id, let peer): logger.debug("connected", metadata: .about(id, peer))
        case .disconnected(let id, let peer, let reason): noteEnd(id, peer, reason)
        case .refused(let report): noteRefusal(report)
        case .acceptFailed(let error): logger.warning("cannot accept", metadata: .detail("\(error)"))
        case .handlerFailed(let id, let peer, let error):
            noteLimited(.warning, "handler failed", .about(id, peer).and(describe(error)))
        case .lostName(let loss): logger.warning("the name is lost", metadata: .detail("\(loss)"))
        case .republishFailed(let error):
            logger.warning("the name cannot be published again", metadata: .detail("\(error)"))
        case .regainedName: logger.notice("the name is back")
        case .stopped: logger.debug("all connections have ended")
        @unknown default: break
        }
    }

    private func noteEnd(_ id: PipeConnection.ID, _ peer: PeerCredentials, _ reason: DisconnectReason) {
        let metadata = Logger.Metadata.about(id, peer).and([MetadataKey.reason: "\(reason.kind)"])
        switch reason {
        case .closedLocally, .closedByPeer, .resetByPeer, .serverStopped, .idle, .ageLimit:
            logger.debug("disconnected", metadata: metadata)
        case .system: noteLimited(.warning, "disconnected", metadata.and(.detail("\(reason)")))
        default: noteLimited(.notice, "disconnected", metadata.and(.detail("\(reason)")))
        }
    }

    /// The server limits these itself, and says how many it has left out.
    private func noteRefusal(_ report: RefusalReport) {
        var metadata: Logger.Metadata = [MetadataKey.reason: "\(report.refusal.name)"]
        if let peer = report.peer { metadata.merge(.about(peer)) { $1 } }
        if let error = report.error { metadata.merge(.detail("\(error)")) { $1 } }
        if report.suppressedCount > 0 { metadata[MetadataKey.suppressed] = "\(report.suppressedCount)" }
        let isOurs = report.refusal == .descriptorLimit || report.refusal == .system
        logger.log(level: isOurs ? .warning : .notice, "refused", metadata: metadata)
    }

    private func noteLimited(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata) {
        guard let suppressed = limit.withLock({ $0.admit(at: .now) }) else {
            return logger.debug(message, metadata: metadata)
        }
        let more: Logger.Metadata = suppressed > 0 ? [MetadataKey.suppressed: "\(suppressed)"] : [:]
        logger.log(level: level, message, metadata: metadata.and(more))
    }

    private func describe(_ error: any Error) -> Logger.Metadata {
        let isOurs = error is PipeError || error is SystemError
        return .detail(describesErrors || isOurs ? "\(error)" : "\(type(of: error))")
    }

    // MARK: The service

    func noteShutdown(_ grace: Duration) { logger.info("shutting down", metadata: ["pipe.grace": "\(grace)"]) }

    func noteStop(_ report: ShutdownReport) {
        let lost = report.unsentMessageCount + report.partlySentMessageCount
        let isClean = lost == 0 && report.forcedCount == 0
        logger.log(
            level: isClean ? .info : .notice, "stopped",
            metadata: [
                "pipe.duration": "\(report.duration)", "pipe.ended": "\(report.endedCount)",
                "pipe.forced": "\(report.forcedCount)", "pipe.delivered": "\(report.deliveredMessageCount)",
                "pipe.flushed": "\(report.flushedMessageCount)", "pipe.unsent": "\(lost)",
            ])
    }

    func noteUnheard(_ error: PipeError) {
        logger.warning("the service manager does not hear", metadata: .detail("\(error)"))
    }
}

extension Logger.Metadata {
    fileprivate static func detail(_ text: String) -> Self { [MetadataKey.detail: "\(text)"] }

    fileprivate func and(_ more: Self) -> Self { merging(more) { $1 } }
}
