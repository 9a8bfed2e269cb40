// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes

// The server behind a name: whether it listens, whether it accepts, and whether it admits this user.

extension Diagnosis {
    /// Checks the listener, its queue, and what becomes of a connection.
    ///
    /// - Parameters:
    ///   - timeout: for the connection; nil is for ever.
    ///   - patience: how long to watch whether the server ends the connection at once.
    mutating func examineServer(
        at address: PipeAddress, timeout: Duration?, patience: Duration, on executor: ReactorExecutor
    ) async throws {
        let name = NameFacts(of: address)
        let owners = SocketOwners()
        let owner = name.listener.flatMap { owners.process(holding: $0) }
        if let connections = name.connections {
            let process = owner.map { "\($0.program), process \($0.processID)" } ?? "another user's process"
            pass("listener", process)
            // Of several processes, one that runs is enough.
            let state = name.listener.flatMap { owners.commonState(ofHolders: $0) }
            if let owner, !examine(state, ofProcess: owner.processID) { return }
            guard examineQueue(connections) else { return }
        }
        var configuration = PipeClient.Configuration(framing: RawFraming())
        configuration.connectTimeout = timeout
        do {
            let (peer, answer) = try await PipeClient.withConnection(
                to: address, configuration: configuration, on: executor
            ) { connection in
                (connection.peer, try await connection.answer(within: patience))
            }
            if name.connections == nil { pass("listener", "in another network namespace, or not visible from here") }
            pass("connection", "made to process \(peer.processID), user \(UserDatabase.userName(peer.userID))")
            // The kernel makes connections for a process that does not run.
            if owner == nil, !examine(ProcessFacts.state(of: peer.processID), ofProcess: peer.processID) { return }
            examineAdmission(answer)
        } catch let error as PipeError {
            examine(error, at: address)
        }
    }

    /// Checks that a process runs, which one that was stopped does not.
    private mutating func examine(_ state: Character?, ofProcess processID: Int32) -> Bool {
        let remedy: String
        switch state {
        case "T": remedy = "kill -CONT \(processID) (SIGSTOP or ^Z has stopped it)"
        case "t": remedy = "continue or detach in the debugger that has stopped it"
        default: return true
        }
        fail("process", "process \(processID) is stopped", remedy: remedy)
        return false
    }

    private mutating func examineQueue(_ connections: NameFacts.Connections) -> Bool {
        let isFull = connections.waitingCount > connections.backlog
        let finding =
            "\(grouped(connections.waitingCount)) waiting to be accepted, of \(grouped(connections.backlog)) that may"
        guard isFull else {
            pass("queue", finding)
            return true
        }
        fail(
            "queue", finding,
            remedy: "the server accepts no one: its loop is blocked, or it has no descriptor left (ulimit -n)")
        return false
    }

    private mutating func examineAdmission(_ answer: Answer) {
        guard case .ended(let reason) = answer else {
            pass("admission", "the server keeps the connection")
            return
        }
        fail(
            "admission", "the connection was \(reason) at once",
            remedy: "the server refuses user \(UserDatabase.userName(geteuid())), or has no room, or is a relay whose "
                + "own server is away; its log says which. By default only its own user and root are admitted (--allow)"
        )
    }

    private mutating func examine(_ error: PipeError, at address: PipeAddress) {
        switch error {
        case .noServer:
            fail("listener", "no process listens at this name", remedy: Self.remedyForStaleName(address))
        case .backlogFull:
            fail("queue", "full", remedy: "the server accepts no one: is it stopped, or its loop blocked?")
        case .accessDenied:
            fail(
                "connection", "the kernel refuses it, although the permissions allow it",
                remedy: "a security module (AppArmor, SELinux): see the kernel's log")
        case .peerRefused(let peer):
            fail(
                "server's user", "user \(UserDatabase.userName(peer.userID)), process \(peer.processID)",
                remedy: "stop that process: in the runtime directory, only this user or root may serve a name")
        case .system(let error) where error.code == EPROTOTYPE:
            fail("connection", "a socket of another type than SOCK_STREAM", remedy: "another name: it is no pipe")
        default: fail("connection", "\(error)", remedy: "see the operator's handbook, \"Why a client fails\"")
        }
    }

    private static func remedyForStaleName(_ address: PipeAddress) -> String {
        guard let path = address.path else {
            let names = ((try? LivePipe.all(includingHidden: true)) ?? []).map(\.address).filter { $0.hasPrefix("@") }
            let near = suggestion(for: "\(address)", among: names)
            return "start the server, in this network namespace\(near.isEmpty ? "" : ".\(near)")"
        }
        if let holder = lockHolder(of: path) {
            return "process \(holder) has the name's lock, but another socket: restart it"
        }
        return "start the server: it takes over the file, which a server that died has left"
    }

    /// Checks that a FIFO has a reader.
    mutating func examineReader(ofFIFO path: String) {
        let descriptor = unsafe open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            let remedy =
                errno == ENXIO ? "start the server: a FIFO stays behind if its server dies" : "see open(2) and fifo(7)"
            fail(
                "listener", errno == ENXIO ? "no process reads" : "\(SystemError(call: "open", code: errno))",
                remedy: remedy)
            return
        }
        close(descriptor)
        pass("listener", "a process reads")
    }
}
