// SPDX-License-Identifier: Apache-2.0
#if Service
internal import Logging
internal import NamedPipes

/// Logs a server's events: what happened and to which peer, never what was sent, except the bytes that a peer sent in
/// place of a header.
final class ServerLog: Sendable {
    private let logger: Logger
    private let limited: LimitedLog

    init(_ logger: Logger, describesErrors: Bool) {
        self.logger = logger
        limited = LimitedLog(describesErrors: describesErrors)
    }

    func note(_ event: PipeServer.ServeEvent) {
        switch event {
        case .listening: logger.info("listening")
        case .connected(let id, let peer): logger.debug("connected", metadata: .about(id, peer))
        case .disconnected(let id, let peer, let reason): noteEnd(id, peer, reason)
        case .refused(let report): noteRefusal(report)
        case .acceptFailed(let error): logger.warning("cannot accept", metadata: .detail("\(error)"))
        case .handlerFailed(let id, let peer, let error):
            limited.write(.warning, "handler failed", .about(id, peer).and(limited.describe(error)), to: logger)
        case .lostName(let loss): logger.warning("the name is lost", metadata: .detail("\(loss)"))
        case .republishFailed(let error):
            logger.warning("the name cannot be published again", metadata: .detail("\(error)"))
        case .regainedName: logger.notice("the name is back")
        case .skipped(let error):
            limited.write(.notice, "skipped what is no message", .detail("\(error)"), to: logger)
        case .stopped: logger.debug("all connections have ended")
        @unknown default: break
        }
    }

    private func noteEnd(_ id: PipeConnection.ID, _ peer: PeerCredentials, _ reason: DisconnectReason) {
        switch reason {
        case .closedLocally, .closedByPeer, .resetByPeer, .serverStopped, .idle, .ageLimit:
            // Not even composed if its level is off, because it occurs for every connection.
            logger.debug("disconnected", metadata: .about(id, peer).and(Self.kind(reason)))
        default:
            let isOurs = if case .system = reason { true } else { false }
            let metadata = Logger.Metadata.about(id, peer).and(Self.kind(reason)).and(.detail("\(reason)"))
            limited.write(isOurs ? .warning : .notice, "disconnected", metadata, to: logger)
        }
    }

    private static func kind(_ reason: DisconnectReason) -> Logger.Metadata {
        [MetadataKey.reason: "\(reason.kind)"]
    }

    /// The server limits these itself, and says how many it has omitted.
    private func noteRefusal(_ report: RefusalReport) {
        var metadata: Logger.Metadata = [MetadataKey.reason: "\(report.refusal.name)"]
        if let peer = report.peer { metadata.merge(.about(peer)) { $1 } }
        if let error = report.error { metadata.merge(.detail("\(error)")) { $1 } }
        if report.suppressedCount > 0 { metadata[MetadataKey.suppressed] = "\(report.suppressedCount)" }
        let isOurs = report.refusal == .descriptorLimit || report.refusal == .system
        logger.log(level: isOurs ? .warning : .notice, "refused", metadata: metadata)
    }

    // MARK: The service

    func noteShutdown(_ grace: Duration) { logger.info("shutting down", metadata: ["pipe.grace": "\(grace)"]) }

    func noteStop(_ report: ShutdownReport) {
        let (unsent, partlySent) = (report.unsentMessageCount, report.partlySentMessageCount)
        let isClean = unsent == 0 && partlySent == 0 && report.forcedCount == 0
        let totals = report.totals
        let lost = ServerCounter.all.filter { $0.kind == .loss }.reduce(0) { $0 + totals[$1] }
        logger.log(
            level: isClean ? .info : .notice, "stopped",
            metadata: [
                "pipe.duration": "\(report.duration)", "pipe.ended": "\(report.endedCount)",
                "pipe.forced": "\(report.forcedCount)", "pipe.delivered": "\(report.deliveredMessageCount)",
                "pipe.sent": "\(report.sentMessageCount)", "pipe.unsent": "\(unsent)",
                "pipe.partly_sent": "\(partlySent)", "pipe.total_connections": "\(totals.acceptedCount)",
                "pipe.total_received": "\(totals.receivedMessageCount)",
                "pipe.total_sent": "\(totals.sentMessageCount)", "pipe.total_lost": "\(lost)",
            ])
    }

    func noteMissingStatistics(_ error: any Error) {
        logger.warning("no statistics are offered", metadata: .detail("\(error)"))
    }

    func noteUnheard(_ error: PipeError) {
        logger.warning("the service manager does not hear", metadata: .detail("\(error)"))
    }
}
#endif
