// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import Synchronization

/// A server on a thread of its own, which has the name until a successor asks for it.
final class Predecessor {
    private final class Outcome: Sendable {
        let verdict = Mutex<Verdict?>(nil)
    }

    private let outcome = Outcome()
    private let thread: ReactorThread

    init(at address: PipeAddress, _ configuration: PipeServer.Configuration) throws {
        thread = try ReactorThread(name: "predecessor") { [outcome] reactor in
            let host = Host(reactor, Verdict()) { verdict in outcome.verdict.withLock { $0 = verdict } }
            _ = try PipeServer(
                listeningOn: address, configuration: configuration, reactor: reactor, delegate: host)
        }
    }

    /// Whether its server has stopped, which it does after its successor has taken the name.
    var hasStopped: Bool { outcome.verdict.withLock { $0 != nil } }

    /// Ends the thread, and returns its verdict.
    func end() -> Verdict {
        thread.stop()
        thread.join()
        return outcome.verdict.withLock { $0 } ?? Verdict()
    }
}
