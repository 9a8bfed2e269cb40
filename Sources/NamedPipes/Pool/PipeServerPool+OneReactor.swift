// SPDX-License-Identifier: Apache-2.0
package import PipeReactor
internal import Synchronization

// A pool whose servers share one reactor, without threads and without a socket: for tests, in which everything happens
// in an order that can be repeated.

extension PipeServerPool {
    /// Makes a pool on a reactor of the calling thread. Its clients come through ``nameServer(on:)`` and ``adopt(_:)``.
    ///
    /// - Parameters:
    ///   - address: the value of ``address``. Nothing is made there.
    ///   - workerCount: the number of workers.
    ///   - configuration: the limits, which hold for all workers together.
    ///   - dealing: how clients are dealt to the workers.
    ///   - reactor: the loop of all workers and of the name.
    ///   - onEvent: receives the events of the name, and all refusals.
    ///   - delegate: makes the delegate of one worker.
    package convenience init(
        adoptingFor address: PipeAddress, workerCount: Int, configuration: PipeServer.Configuration, dealing: Dealing,
        on reactor: Reactor, onEvent: @escaping @Sendable (PipeServerPool, Event) -> Void,
        delegate: (PipeServer) -> any PipeServerDelegate
    ) {
        self.init(address, ReactorCount(workerCount), configuration, dealing, onEvent)
        let servers = workers.map { worker in
            worker.start(in: self) {
                PipeServer(workingAs: worker, in: self, ByteLedger(sharing: budget), reactor, delegate)
            }
        }
        let acceptor = PoolAcceptor(
            reactor, admission, workers, dealing, onlyServer: servers.count == 1 ? servers[0] : nil)
        let nameServer = PipeServer(
            address, configuration, reactor, PoolNameDelegate(self), .noSocket, nil, .acceptor(acceptor, self))
        nameServer.register()
        state.withLock { state in
            state.nameServer = nameServer.reference
            state.lifecycle.didStart()
        }
        tell(.listening)
    }

    /// The server that has the name, on its thread; nil if it has ended.
    package func nameServer(on reactor: Reactor) -> PipeServer? {
        state.withLock { $0.nameServer }?.resolve(on: reactor)
    }
}

extension PoolAcceptor {
    /// Deals a client that comes over a transport and has its place. All workers are on this reactor.
    func deal(_ transport: any PipeTransport, from peer: PeerCredentials) {
        let worker = workers[choose(for: peer.userID)]
        worker.countConnection()
        if let onlyServer { return onlyServer.admitPlaced(transport, from: peer) }
        nonisolated(unsafe) let transport = transport
        worker.server?.perform { unsafe $0.admitPlaced(transport, from: peer) }
    }
}
