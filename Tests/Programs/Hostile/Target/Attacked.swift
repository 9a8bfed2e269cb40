// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// What is attacked: a server, or a pool. When it has stopped, so does the reactor of the control name.
enum Attacked {
    case server(PipeServer)
    case pool(PipeServerPool)

    init(_ settings: Settings, _ tally: Tally, _ reactor: Reactor) throws {
        if let reactors = settings.reactors {
            self = .pool(try Self.makePool(settings, reactors, tally, reactor.executor))
        } else {
            self = .server(try Self.makeServer(settings, reactor, Target(settings.mode, tally, stopping: reactor)))
        }
    }

    private static func makeServer(_ settings: Settings, _ reactor: Reactor, _ target: Target) throws -> PipeServer {
        guard settings.inherits else {
            return try PipeServer(
                listeningOn: settings.address, configuration: settings.configuration, reactor: reactor, delegate: target
            )
        }
        return try PipeServer(
            inheriting: try inheritedListener(), configuration: settings.configuration, reactor: reactor,
            delegate: target)
    }

    private static func makePool(
        _ settings: Settings, _ reactors: Int, _ tally: Tally, _ executor: ReactorExecutor
    ) throws -> PipeServerPool {
        let mode = settings.mode
        let makeTarget: @Sendable (PipeServer) -> any PipeServerDelegate = { _ in Target(mode, tally) }
        let note: @Sendable (PipeServerPool, PipeServerPool.Event) -> Void = { _, event in
            if case .stopped = event { executor.post { $0.stop() } }
        }
        guard settings.inherits else {
            return try PipeServerPool(
                listeningOn: settings.address, reactors: ReactorCount(reactors), configuration: settings.configuration,
                onEvent: note, delegate: makeTarget)
        }
        return try PipeServerPool(
            inheriting: try inheritedListener(), reactors: ReactorCount(reactors),
            configuration: settings.configuration, onEvent: note, delegate: makeTarget)
    }

    private static func inheritedListener() throws -> InheritedListener {
        guard let listener = try InheritedListener.first() else {
            throw Settings.Unknown(setting: "no inherited socket")
        }
        return listener
    }

    func stop(gracePeriod: Duration) {
        switch self {
        case .server(let server): server.stop(gracePeriod: gracePeriod)
        case .pool(let pool): pool.beginStopping(gracePeriod: gracePeriod)
        }
    }
}
