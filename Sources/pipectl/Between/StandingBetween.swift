// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram
internal import NamedPipesRPC

/// Captures what goes between a server that is not ours and its clients: by taking its name, serving the clients with a
/// connection to the server each, and giving the name back at the end.
struct StandingBetween: CaptureSource {
    let address: PipeAddress
    /// The framing of the messages, which does not change the bytes that pass.
    let framing: any MessageFraming
    let filter: CaptureFilter
    /// How many bytes of a message are wanted; nil for all.
    let contentLimit: Int?
    /// Whether users other than this one and root may connect meanwhile, with this user's rights at the server.
    let admitsAnyUser: Bool
    /// The time limit for a connection to the server.
    let timeout: Duration?
    /// How long the function that takes the events may still need at the end for one call; nil is for ever. A function
    /// that needs longer is left behind.
    let patience: Duration?
    /// Gets what the operator should know, a line each. Called on the thread of the function that takes the events.
    let report: @Sendable (String) -> Void

    /// Thrown if the function that takes the events has not returned within ``patience``, and may still be in use.
    struct Unread: Error {}

    /// Why it ends before it is cancelled.
    private typealias Endings = AsyncStream<any Error>

    func run(
        on executor: ReactorExecutor, _ take: @escaping @Sendable ([CaptureEvent]) throws -> Void
    ) async throws {
        try await refuseUnsuitable(on: executor)
        raiseDescriptorLimit()
        let (endings, end) = Endings.makeStream()
        // Bytes pass on the reactor's thread, which must not wait for the reader of what is captured.
        let queue = try CaptureQueue(take, report: report) { end.yield($0) }
        defer { queue.close() }
        // Before there is a name to give back.
        QuitSignal.endsAsTermination()
        // Used on the reactor's thread only, as all of this.
        let displaced = try displace()
        nonisolated(unsafe) let name = displaced.name
        for line in consequences { queue.report(line) }
        queue.append([])
        let ending = try await pass(displaced.listener, unsafe name, queue, endings, end, on: executor)
        // Not cancelled with this task: what was captured until now is to be taken.
        let isConsumed = await Task(executorPreference: executor) {
            await queue.whenConsumed(patience: patience)
        }.value
        if let failure = queue.failure ?? ending { throw failure }
        if !isConsumed { throw Unread() }
        throw CancellationError()
    }

    /// Passes bytes on until there is a reason to end, and gives the name back then.
    ///
    /// - Returns: the reason; nil if the task was cancelled.
    private func pass(
        _ listener: InheritedListener, _ name: DisplacedName, _ queue: CaptureQueue, _ endings: Endings,
        _ end: Endings.Continuation, on executor: ReactorExecutor
    ) async throws -> (any Error)? {
        nonisolated(unsafe) let name = name
        nonisolated(unsafe) let observer = Observer(framing, filter, contentLimit: contentLimit, to: queue)
        let server = Task(executorPreference: executor) {
            do {
                try await serve(listener, unsafe name.behind, unsafe observer, queue, end, on: executor)
            } catch {
                end.yield(error)
            }
        }
        nonisolated(unsafe) let watch = executor.reactorOfThisThread.schedule(
            after: .seconds(1), repeating: .seconds(1)
        ) {
            if !(unsafe name.isInPlace) { end.yield(Failure("\(address) is no longer what it was: its server ended?")) }
            queue.append([])
        }
        let ending = await endings.first { _ in true }
        unsafe watch.cancel()
        // First the name: while it leads here, this has to listen.
        let restoration = Swift.Result { () throws(PipeError) in try unsafe name.restore() }
        server.cancel()
        await server.value
        defer { queue.close() }
        switch restoration {
        case .success(.restored): queue.report("\(address) is its server's again")
        case .success(.changedMeanwhile): queue.report("\(address) was changed meanwhile, and left as it is")
        case .failure(let error): throw Failure("\(address) could not be given back: \(error); try \(remedy)")
        }
        return ending
    }

    private func displace() throws(Failure) -> (name: DisplacedName, listener: InheritedListener) {
        do throws(PipeError) {
            return try DisplacedName.displace(address)
        } catch .addressInUse(let behind, holder: _) {
            throw Failure(
                "\(behind) exists: something else stands between, or was killed; then \(remedy) gives the name back")
        } catch {
            throw Failure(error)
        }
    }

    // MARK: - Passing on

    private func serve(
        _ listener: InheritedListener, _ behind: PipeAddress, _ observer: Observer, _ queue: CaptureQueue,
        _ end: Endings.Continuation, on executor: ReactorExecutor
    ) async throws {
        var configuration = PipeServer.Configuration()
        configuration.connection = .relayed
        configuration.accessPolicy = admitsAnyUser ? .anyUser : .ownUserOrRoot
        configuration.maximumConnectionCount = nil
        configuration.maximumConnectionCountPerUser = nil
        nonisolated(unsafe) let observer = observer
        _ = try await PipeServer.serve(inheriting: listener, configuration: configuration, on: executor) {
            switch $1 {
            case .refused(let refusal): queue.report("\(refusal)")
            case .acceptFailed(let error): queue.report("cannot accept: \(error)")
            default: break
            }
        } handler: { near in
            do {
                try await unsafe pass(near, behind, observer)
            } catch PipeError.noServer {
                end.yield(Failure("the server of \(address) has ended"))
            } catch let error where !(error is CancellationError) {
                queue.report("connection \(near.id): \(Failure(error).message)")
            }
        }
    }

    /// Connects a client with the server, until both directions have ended.
    private nonisolated(nonsending) func pass(
        _ near: AsyncPipeConnection, _ behind: PipeAddress, _ observer: Observer
    ) async throws {
        var configuration = PipeClient.Configuration()
        configuration.connection = .relayed
        configuration.connectTimeout = timeout
        // Permission to connect is the file's; the server may be anyone's.
        configuration.requiredPeer = .anyUser
        nonisolated(unsafe) let observed = observer.connection("\(near.id)", near.peer)
        defer { unsafe observed.end() }
        let problem = try await PipeClient.withConnection(
            to: behind, configuration: configuration, on: near.executor
        ) { far in
            try await RelayedPair(near: near, far: far) { piece, isToServer in
                unsafe observed.didReceive(piece, isToServer ? .toServer : .toClient)
            }.run()
        }
        _ = await near.close()
        if let problem { throw problem }
    }
}

// MARK: - Before it begins

extension StandingBetween {
    /// What it changes for server and clients.
    private var consequences: [String] {
        let others = admitsAnyUser ? "clients of any user have this user's rights there" : "other users are refused"
        return [
            "standing between \(address) and its clients, until this ends:",
            "  the server sees this process as its client, in place of each of them; \(others)",
            "  connections from before are not seen; those from now on end with this; descriptors do not pass",
            "  if this is killed, the name is dead until: \(remedy)",
        ]
    }

    /// Gives the name back by hand.
    private var remedy: String { "mv -T \(quoted("\(address.text).behind")) \(quoted(address.text))" }

    private func refuseUnsuitable(on executor: ReactorExecutor) async throws {
        guard let path = address.path, address.kind == .file else {
            throw Failure("\(address) is no socket file, which could be moved aside")
        }
        if let answer = try? await offeredStatistics(beside: address, timeout: timeout, on: executor) {
            throw Failure(
                "the server (process \(answer.processID)) offers \(address).stat: it can be tapped itself, with "
                    + "--allow-tap, and without --between")
        }
        if let holder = Diagnosis.lockHolder(of: path), Diagnosis.isLocked(path) {
            throw Failure(
                "the server (process \(holder)) watches its name, and would take it back: start it with --allow-tap "
                    + "(StatisticsEndpoint.Offer in Swift), and leave --between out")
        }
        var configuration = PipeClient.Configuration()
        configuration.connectTimeout = timeout
        configuration.requiredPeer = .anyUser
        do {
            try await PipeClient.withConnection(to: address, configuration: configuration, on: executor) { _ in }
        } catch PipeError.noServer {
            let behind = try? DisplacedName.addressBehind(address)
            let isLeft = behind?.path.map { unsafe Glibc.access($0, F_OK) == 0 } ?? false
            throw Failure("no server at \(address)" + (isLeft ? ", but one is left behind it: \(remedy)" : ""))
        }
    }
}

/// A text as a word of a shell.
func quoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "/._-+:,@%".utf8.contains(byte)
        }
    }
    if isPlain, !text.isEmpty { return text }
    return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}
