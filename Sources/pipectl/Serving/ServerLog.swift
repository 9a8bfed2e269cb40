// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import NamedPipesProgram
internal import Synchronization

/// What a server tells its operator and its service manager besides its messages, and why it gives up. Any thread may
/// use it.
final class ServerLog: Sendable {
    private let complaints = Mutex(Complaints())
    private let manager = ServiceNotifier.current
    private let firstFailure = Mutex<Failure?>(nil)
    private let isFailed = Atomic(false)
    private let verbosity = Mutex(Verbosity.usual)

    /// The reason for the stop; nil if it was requested. Only the first failure is reported.
    var failure: Failure? { firstFailure.withLock { $0 } }

    /// Whether there is a failure, without a lock: asked for each message.
    var hasFailed: Bool { isFailed.load(ordering: .relaxed) }

    /// How much it says from now on. The default is the usual.
    func follow(_ level: Verbosity) { verbosity.withLock { $0 = level } }

    func note(_ failure: Failure) {
        firstFailure.withLock { $0 = $0 ?? failure }
        isFailed.store(true, ordering: .relaxed)
    }

    /// Tells the operator something that clients cannot cause at will.
    func report(_ text: String) {
        if level != .quiet { StandardError.note(text) }
    }

    /// - Parameter count: how many others the complaint stands for. The default is 0.
    func complain(_ text: String, _ kind: Complaints.Kind, alsoFor count: Int = 0) {
        guard level != .quiet else { return }
        if let line = complaints.withLock({ $0.line(text, kind, alsoFor: count) }) { StandardError.note(line) }
    }

    /// Prints the summary, or throws the reason for the stop.
    func conclude(_ tally: ServerTally, _ announce: ServerSession.Announcement) throws(Failure) {
        if let rest = complaints.withLock({ $0.rest }) { StandardError.note(rest) }
        if let failure { throw failure }
        if level != .quiet { try announce("stopped after \(tally.summary)") }
    }

    /// Tells the operator and the service manager that clients can connect.
    func announce(_ address: String, _ announce: ServerSession.Announcement) throws(Failure) {
        if level != .quiet { try announce("listening on \(address)") }
        tellManager(.ready, .status("listening on \(address)"))
    }

    private var level: Verbosity { verbosity.withLock { $0 } }

    /// A manager that cannot be notified is no reason not to serve.
    func tellManager(_ states: ServiceNotifier.State...) {
        do { try manager?.notify(states) } catch {
            complain("the service manager was not notified: \(error)", .manager)
        }
    }
}

// MARK: - Events of a server

extension ServerLog {
    /// - Parameter connection: with its number and the process at its other end.
    func didOpen(_ connection: @autoclosure () -> String) {
        if level == .verbose { StandardError.note("\(connection()) is open") }
    }

    func didEnd(_ reason: DisconnectReason, _ connection: @autoclosure () -> String) {
        if level == .verbose {
            StandardError.note("\(connection()) was \(reason.text)")
        } else if case .framing = reason {
            complain("\(connection()) was \(reason.text)", .connection)
        }
    }

    func didFail(_ error: any Error, _ connection: String) {
        complain("\(connection): \(Failure(error).message)", .connection)
    }

    func didRefuse(_ report: RefusalReport) { complain(report.singleText, .refusal, alsoFor: report.suppressedCount) }

    func didFailToAccept(_ error: SystemError) {
        complain("cannot accept: \(error) (ulimit -n shows how many descriptors there may be)", .accepting)
    }

    /// - Parameter isPublished: whether the name is published again already.
    func didLoseName(_ address: PipeAddress, _ loss: NameLoss, isPublished: Bool) {
        complain("\(address) \(loss)\(isPublished ? ", and is published again" : "")", .name)
        if case .takenOver = loss { tellManager(.stopping) }
    }

    func didRegainName(_ address: PipeAddress) { complain("\(address) is published again", .regainedName) }

    func didFailToRepublish(_ address: PipeAddress, _ error: PipeError) {
        complain("\(address) cannot be published again: \(error)", .name)
    }

    func didSkip(_ address: PipeAddress, _ error: FramingError) {
        complain("skipped at \(address): \(error)", .connection)
    }
}
