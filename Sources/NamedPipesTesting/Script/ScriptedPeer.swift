// SPDX-License-Identifier: Apache-2.0

/// The peer that executes a ``PeerScript``. It is a client's or a server's delegate on a reactor, with a connection
/// without framing, so that it can send any bytes in any pieces.
///
/// A server's peer serves the first client that connects, and refuses all others.
public final class ScriptedPeer {
    let script: PeerScript
    let reactor: Reactor
    var stepIndex = 0
    var stepState = StepState.new
    var connection: PipeConnection?
    var inbox: ScriptInbox

    /// The framing of the other end, if it is known.
    var otherFraming: (any MessageFraming)?

    /// Finds that framing, once there is a connection.
    var findOtherFraming: () -> (any MessageFraming)? = { nil }

    /// Explains that no connection was made, if that is known.
    var explainMissingServer: () -> String? = { nil }

    /// How the connection ended, or that the other end sends no more.
    var end: String?

    /// The step that failed, and the reason; nil while there is none.
    public private(set) var failure: ScriptFailure?

    /// Whether every step is done, or one has failed.
    public private(set) var isDone = false

    /// The state of a step that takes more than one turn.
    enum StepState {
        case new
        case sending(ArraySlice<UInt8>)
        case waiting(ScheduledWork)
        case elapsed
    }

    init(_ script: PeerScript, _ reactor: Reactor) {
        self.script = script
        self.reactor = reactor
        inbox = ScriptInbox(script.framing)
    }

    /// Throws the failure, if there is one, or an error if the script has not reached its end.
    ///
    /// - Throws: ``ScriptFailure``.
    public func check() throws(ScriptFailure) {
        if let failure { throw failure }
        if !isDone { throw makeFailure(connection == nil ? "there was no connection" : "still waiting") }
    }

    /// The configuration of its connection.
    static var connectionConfiguration: PipeConnection.Configuration {
        var configuration = PipeConnection.Configuration()
        configuration.framing = RawFraming()
        configuration.frameDeadline = nil
        configuration.writeStallDeadline = nil
        configuration.pausesReceivingAboveHighWaterMark = false
        return configuration
    }

    private func makeFailure(_ problem: String) -> ScriptFailure {
        let step = stepIndex < script.steps.count ? "\(script.steps[stepIndex])" : "the end"
        let mismatch = otherFraming.flatMap { FramingMismatch(script.framing, $0) }
        return ScriptFailure(
            number: stepIndex + 1, count: script.steps.count, step: step,
            problem: problem + (mismatch.map { "; \($0)" } ?? ""))
    }

    /// Adds what became known later to a failure, if there is one.
    func explainFailure(_ addition: String) {
        guard let failure else { return }
        self.failure = ScriptFailure(
            number: failure.number, count: failure.count, step: failure.step,
            problem: "\(failure.problem); \(addition)")
    }

    func fail(_ problem: String) {
        guard !isDone else { return }
        failure = makeFailure(problem)
        finish()
    }

    /// Nothing more is done, except to close.
    func finish() {
        isDone = true
        if case .waiting(let timer) = stepState { timer.cancel() }
        connection?.close()
    }
}

extension ScriptedPeer: PipeServerDelegate, PipeClientDelegate {
    /// Accepts one connection, and only one.
    public func server(_ server: PipeServer, shouldAccept peer: PeerCredentials) -> Bool {
        connection == nil && end == nil
    }

    /// Begins with the first step.
    public func connectionDidOpen(_ connection: PipeConnection) {
        self.connection = connection
        otherFraming = otherFraming ?? findOtherFraming()
        goOn()
    }

    /// Takes bytes, and continues with the steps that waited for them.
    public func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        do {
            try inbox.append(message)
        } catch {
            return fail("the received bytes do not fit the framing: \(error)")
        }
        goOn()
    }

    /// Continues with a step that waited for the end.
    public func connectionDidFinishReceiving(_ connection: PipeConnection) {
        end = "the other end has finished\(likelyCauses(connection))"
        goOn()
    }

    /// Continues with a step that waited for the end.
    public func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        let end = "the connection ended (\(reason))\(likelyCauses(connection))"
        self.end = end
        goOn()
        fail(end)
        self.connection = nil
    }

    /// For a connection without an answer. If the other end's framing is known, so is whether it is the cause.
    private func likelyCauses(_ connection: PipeConnection) -> String {
        guard otherFraming == nil, let causes = connection.unansweredClose else { return "" }
        return ": \(causes)"
    }

    /// Fails.
    public func client(_ client: PipeClient, didFailToConnectWith error: PipeError) {
        fail("no connection: \(explainMissingServer() ?? "\(error)")")
    }
}
