// SPDX-License-Identifier: Apache-2.0
#if Service
internal import NamedPipes
internal import Synchronization

/// The server or pool of a service, while it serves. All copies of the service share it.
final class ServingServer: Sendable {
    enum State: Sendable {
        case none
        case server(ReactorReference<PipeServer>)
        case pool(PipeServerPool)
    }

    private let state = Mutex(State.none)

    var current: State { state.withLock { $0 } }

    func set(_ new: State) { state.withLock { $0 = new } }
}
#endif
