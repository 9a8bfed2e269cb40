// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// A client that the acceptor of a pool has admitted, on its way to a worker.
///
/// It has its place in the shared limits, and counts as one of the worker's connections. If no server takes it, because
/// the pool or the worker ends first, its end closes the socket and gives both back.
final class DealtConnection: Sendable {
    let peer: PeerCredentials

    private struct State: ~Copyable {
        var connection: AcceptedConnection?
        var worker: PoolWorker
    }

    private let admission: SharedAdmission
    private let state: Mutex<State>

    init(_ connection: consuming AcceptedConnection, _ admission: SharedAdmission, to worker: PoolWorker) {
        peer = connection.peer
        self.admission = admission
        state = Mutex(State(connection: connection, worker: worker))
        worker.countConnection()
    }

    /// Takes the connection out, once. Its place, and its part of the worker's load, are the caller's from now on.
    func take() -> AcceptedConnection? { state.withLock { $0.connection.take() } }

    /// Another worker is to serve it, which counts it from now on.
    func move(to worker: PoolWorker) {
        worker.countConnection()
        let former = state.withLock { state in
            defer { state.worker = worker }
            return state.worker
        }
        former.uncountConnection()
    }

    deinit {
        guard take() != nil else { return }
        state.withLock { $0.worker }.uncountConnection()
        admission.giveBackPlace(of: peer)
    }
}
