// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// What a server does while it holds a name, beside serving: hands it over, and notices its loss.

extension PipeServer {
    /// What to do if a live server of this library already has the name.
    public enum ExistingServer: Hashable, Sendable {
        /// Starting fails with ``PipeError/addressInUse(_:holder:)``.
        case refuse

        /// The name is taken over without one moment at which a client finds nobody: see <doc:Design#Names>. The server
        /// there, in another process or on another thread, hears ``PipeServerDelegate/server(_:didLoseName:)`` with
        /// ``NameLoss/takenOver(processID:)``, serves who came to it, and stops. Where none is alive, this is as
        /// `refuse`.
        ///
        /// Starting blocks the thread until the other server has heard of it, up to
        /// ``PipeServer/Configuration/takeOverTimeout``: the two must not share a reactor. Both run as the same user.
        /// Of several that try at once, one succeeds, and others may fail with ``PipeError/addressInUse(_:holder:)``.
        /// Servers at abstract names and those of other libraries cannot be asked, and are refused.
        case takeOver
    }

    /// What to do when the name is lost to somebody who did not ask.
    public enum NameLossPolicy: Hashable, Sendable {
        /// The delegate hears of it. Open connections go on, new ones cannot come. A successor that asks for the name
        /// gets it, as from any other server (``PipeServer/ExistingServer/takeOver``).
        case report

        /// The delegate hears of it, and the name is published again as soon as it is free; who has taken it meanwhile
        /// is left alone. Tried at once and then every ten seconds.
        case republish
    }

    /// Whether clients find this server at its name, as far as has been seen: at once in most cases, after ten seconds
    /// at the latest. An inherited listener's name is not looked after and counts as published.
    public var isPublished: Bool { isListening && naming.isPublished }

    /// How long a server that was taken over goes on accepting: a client may have looked the old socket up just before.
    static let lingerTime = Duration.seconds(1)

    /// What is between the server and its name.
    struct NameState {
        var isPublished = true
        var keeper: NameMonitor?
        var timer: ScheduledWork?
        /// The sockets that have lost their name for good, until the last client that waits there is accepted.
        var leftOver: [Listener] = []
        /// Why it could not be published again, as the delegate has heard it.
        var failure: PipeError?

        mutating func end() {
            keeper?.end()
            keeper = nil
            timer?.cancel()
            timer = nil
        }

        mutating func endLeftOver() {
            for listener in leftOver { listener.stop() }
            leftOver = []
        }
    }

    func keep(_ name: PublishedName) {
        guard name.hasFile else { return }
        naming.keeper = NameMonitor(reactor, name, FileWatcher.of(reactor)) { [unowned self] in nameKeeperDidTell($0) }
    }

    private func nameKeeperDidTell(_ event: NameMonitor.Event) {
        switch event {
        case .didLoseName(let loss):
            naming.isPublished = false
            var failure: PipeError?
            if case .takenOver = loss { leaveSoon() } else { failure = republishIfWanted() }
            delegate?.server(self, didLoseName: loss)
            tellOfRepublishing(failure)
        case .isStillLost:
            tellOfRepublishing(republishIfWanted())
        case .didRegainName:
            naming.isPublished = true
            delegate?.serverDidRegainName(self)
        }
    }

    private func leaveSoon() {
        naming.end()
        naming.timer = reactor.schedule(after: Self.lingerTime) { [unowned self] in leave() }
    }

    /// Accepts the clients that wait, then drains. The grace begins now, so that it bounds both.
    private func leave() {
        let grace = configuration.handOverGrace
        guard let listener else { return stop(gracePeriod: grace) }
        limitDraining(to: grace)
        listener.acceptTheRest { [unowned self] in stop(gracePeriod: grace) }
    }

    /// Accepts the clients that wait at a socket whose name another socket of this server has now.
    private func leave(_ listener: Listener) {
        naming.leftOver.append(listener)
        listener.acceptTheRest { [unowned self] in
            naming.leftOver.removeAll { $0 === listener }
            listener.stop()
        }
    }

    private func tellOfRepublishing(_ failure: PipeError?) {
        if isPublished {
            naming.failure = nil
            delegate?.serverDidRegainName(self)
        } else if let failure, failure != naming.failure, isListening {
            naming.failure = failure
            delegate?.server(self, didFailToRepublish: failure)
        }
    }

    /// A socket without a name cannot get another one: there has to be a new socket, which takes the name as a starting
    /// server does. Whoever waits at the old one is accepted.
    ///
    /// - Returns: why that was not possible.
    private func republishIfWanted() -> PipeError? {
        guard configuration.nameLoss == .republish, let lost = listener else { return nil }
        naming.end()
        lost.giveNameUp()
        do {
            var claim = configuration.nameClaim
            claim.takeOverTimeout = nil
            listener = try listen(at: .publish(address, claim))
            naming.isPublished = true
            leave(lost)
            return nil
        } catch {
            naming.timer = reactor.schedule(after: configuration.republishInterval) { [unowned self] in
                nameKeeperDidTell(.isStillLost)
            }
            return error
        }
    }
}
