// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// The upkeep of a server's name: handing it over, and noticing its loss.

extension PipeServer {
    /// What to do if a live server of this library already has the name.
    public enum ExistingServer: Hashable, Sendable {
        /// Starting fails with ``PipeError/addressInUse(_:holder:)``.
        case refuse

        /// The name is taken over, and at no moment does a connect fail: see <doc:Design#Names>. The other server, in
        /// another process or on another thread, is told with ``PipeServerDelegate/server(_:didLoseName:)`` and
        /// ``NameLoss/takenOver(processID:)``, serves the clients that came to it, and stops. If none is alive, this is
        /// the same as `refuse`.
        ///
        /// Starting blocks the thread until the other server has answered, up to
        /// ``PipeServer/Configuration/takeOverTimeout``, so the two must not share a reactor. Both run as the same
        /// user. Of several that try at once, one succeeds, and others may fail with
        /// ``PipeError/addressInUse(_:holder:)``. Servers at abstract names and servers of other libraries cannot be
        /// asked, so starting fails as with `refuse`.
        case takeOver
    }

    /// What to do when the name is lost to a process that did not ask.
    public enum NameLossPolicy: Hashable, Sendable {
        /// The delegate is told. Open connections continue, but no new clients can come. A successor that asks for the
        /// name gets it, as from any other server (``PipeServer/ExistingServer/takeOver``).
        case report

        /// The delegate is told, and the name is published again as soon as it is free; a process that has taken it
        /// meanwhile keeps it. Tried at once and then every ten seconds.
        case republish
    }

    /// Whether clients find this server at its name, as of the last check: a loss is noticed at once in most cases,
    /// after ten seconds at the latest. An inherited listener's name is not watched and counts as published.
    public var isPublished: Bool { isListening && nameState.isPublished }

    /// How long a server that was taken over continues to accept: a client may have looked the old socket up just
    /// before.
    static let lingerTime = Duration.seconds(1)

    func monitor(_ name: PublishedName) {
        guard name.hasFile else { return }
        nameState.monitor = NameMonitor(reactor, name, FileWatcher.of(reactor)) { [unowned self] in
            nameMonitorDidTell($0)
        }
    }

    private func nameMonitorDidTell(_ event: NameMonitor.Event) {
        switch event {
        case .didLoseName(let loss):
            nameState.isPublished = false
            var failure: PipeError?
            if case .takenOver = loss { leaveSoon() } else { failure = republishIfWanted() }
            delegate?.server(self, didLoseName: loss)
            tellOfRepublishing(failure)
        case .isStillLost:
            tellOfRepublishing(republishIfWanted())
        case .didRegainName:
            nameState.isPublished = true
            delegate?.serverDidRegainName(self)
        }
    }

    private func leaveSoon() {
        nameState.endMonitoring()
        nameState.timer = reactor.schedule(after: Self.lingerTime) { [unowned self] in leave() }
    }

    /// Accepts the waiting clients, then stops gracefully. The grace period begins now, so that it covers both.
    private func leave() {
        let grace = configuration.handOverGrace
        guard let listener = nameState.listener else { return stop(gracePeriod: grace) }
        limitGrace(to: grace)
        listener.acceptTheRest { [unowned self] in stop(gracePeriod: grace) }
    }

    /// Accepts the clients that wait at a socket whose name another socket of this server now has.
    private func leave(_ listener: Listener) {
        nameState.leftOver.append(listener)
        listener.acceptTheRest { [unowned self] in
            nameState.leftOver.removeAll { $0 === listener }
            listener.stop()
        }
    }

    private func tellOfRepublishing(_ failure: PipeError?) {
        if isPublished {
            nameState.failure = nil
            delegate?.serverDidRegainName(self)
        } else if let failure, failure != nameState.failure, isListening {
            nameState.failure = failure
            delegate?.server(self, didFailToRepublish: failure)
        }
    }

    /// A socket without a name cannot get another one: a new socket is needed, which takes the name as a starting
    /// server does. Clients that wait at the old one are accepted.
    ///
    /// - Returns: the reason why that was not possible.
    private func republishIfWanted() -> PipeError? {
        guard configuration.nameLoss == .republish, let lost = nameState.listener else { return nil }
        nameState.endMonitoring()
        lost.giveNameUp()
        do {
            var claim = configuration.nameClaim
            claim.takeOverTimeout = nil
            nameState.entrance = .socket(try listen(at: .publish(address, claim)))
            nameState.isPublished = true
            leave(lost)
            return nil
        } catch {
            nameState.timer = reactor.schedule(after: configuration.republishInterval) { [unowned self] in
                nameMonitorDidTell(.isStillLost)
            }
            return error
        }
    }
}
