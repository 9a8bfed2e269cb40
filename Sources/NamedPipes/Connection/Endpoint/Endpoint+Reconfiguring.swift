// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

// A change of what an endpoint's connections may do, while they do it. None of them is ended by the change itself.

extension Endpoint {
    /// Takes over the deadlines and the share of the budget. All other settings stay as they are.
    func follow(_ new: PipeConnection.Configuration, byteShare: Int?) {
        let deadlinesChange = !configuration.hasDeadlines(of: new)
        change(configuration.withDeadlines(of: new), byteShare: byteShare)
        forEachConnection { connection in
            guard let terms = connection.terms else { return }
            connection.rare.terms = ConnectionTerms(
                terms.configuration.withDeadlines(of: new, closeTimeout: terms.configuration.closeTimeout),
                byteShare: limits.byteShare)
        }
        if deadlinesChange { beginDeadlinesAnew() }
    }

    /// All deadlines count from now on: time that has passed under the old ones was counted in other ticks, and a
    /// client that was on time may not be late all at once.
    private func beginDeadlinesAnew() {
        leaveRound()
        sweep = EndpointSweep(configuration, reactor, replacing: sweep)
        forEachConnection { $0.beginDeadlinesAnew() }
        // The next sweep finds out whether there is anything to watch.
        watchDeadlines()
    }
}

extension PipeConnection.Configuration {
    /// Whether the deadlines are the same, those for messages and for silence; ``closeTimeout`` has a timer of its own.
    func hasDeadlines(of other: Self) -> Bool {
        frameDeadline == other.frameDeadline && writeStallDeadline == other.writeStallDeadline
            && idleLimit == other.idleLimit && ageLimit == other.ageLimit
    }

    /// The same with the deadlines of another configuration.
    ///
    /// - Parameter closeTimeout: nil to take that over as well.
    fileprivate func withDeadlines(of other: Self, closeTimeout: Duration? = nil) -> Self {
        var changed = self
        changed.frameDeadline = other.frameDeadline
        changed.writeStallDeadline = other.writeStallDeadline
        changed.idleLimit = other.idleLimit
        changed.ageLimit = other.ageLimit
        changed.closeTimeout = closeTimeout ?? other.closeTimeout
        return changed
    }
}
