// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// A command that serves connections, with one process for each.
struct ChildCommand: Sendable {
    /// How a command ended.
    struct Ending: Sendable {
        let end: ProcessEnd
        /// The failure of the connection or of the command's output.
        let failure: (any Error)?

        var text: String {
            switch end {
            case .exited(let code): "exited with \(code)"
            case .signaled(let number): "was ended by signal \(number)"
            }
        }
    }

    /// The command line for the shell, as given.
    let command: [UInt8]
    let lines: MessageLines
    /// The longest line of its output, in bytes.
    let lineLimit: Int
    let linger: Duration

    /// Runs the command until it and all processes that it started have ended. They are made to end soon after the
    /// connection has.
    ///
    /// Call it on the reactor's thread.
    ///
    /// - Parameter onMessage: receives the size of each message that has arrived.
    /// - Throws: the error that prevented the start.
    nonisolated(nonsending) func serve(
        _ connection: AsyncPipeConnection, on reactor: Reactor, onMessage: @escaping @Sendable (Int) -> Void
    ) async throws -> Ending {
        // Used on the reactor's thread only.
        nonisolated(unsafe) let child = try RunningChild(reactor, program(for: connection))
        let executor = connection.executor
        return await withTaskCancellationHandler {
            await withTaskGroup(of: (any Error)?.self) { group in
                group.addTask { await unsafe feed(child, from: connection, onMessage) }
                let failure = await unsafe forward(child, to: connection)
                // A command without output cannot answer any more, so its input ends, too.
                group.cancelAll()
                unsafe child.input.close()
                unsafe child.end(after: linger)
                let feedFailure = await group.next().flatMap { $0 }
                return Ending(end: await unsafe child.waitForEnd(), failure: feedFailure ?? failure)
            }
        } onCancel: {
            // Happens when the server is stopped at once.
            executor.post { _ in
                unsafe child.input.close()
                unsafe child.endNow()
            }
        }
    }

    /// Writes messages as they arrive, ends the input after the last one, and ensures that the process ends after that.
    private nonisolated(nonsending) func feed(
        _ child: RunningChild, from connection: AsyncPipeConnection, _ onMessage: (Int) -> Void
    ) async -> (any Error)? {
        var failure: (any Error)?
        do {
            for try await message in connection.messages {
                onMessage(message.byteCount)
                let line = try lines.line(of: [UInt8](copying: message))
                // If the process no longer reads, its output ends as well, or it is ended.
                guard try await write(line, to: child, from: connection) else { break }
            }
        } catch let refused as Failure {
            failure = refused
            await connection.abort()
        } catch let error as SystemError {
            failure = error
        } catch {
            // The connection reports its own end, and the command's status reports the command's.
        }
        child.input.close()
        child.end(after: linger)
        return failure
    }

    /// A command may take its time as long as its client is there. When the client is gone, the command has to take the
    /// remaining messages without a pause longer than the grace period: a command that reads nothing must not outlive
    /// its client.
    private nonisolated(nonsending) func write(
        _ line: [UInt8], to child: RunningChild, from connection: AsyncPipeConnection
    ) async throws -> Bool {
        var goneSince: SuspendingClock.Instant?
        return try await child.input.write(line, asking: min(max(linger, .milliseconds(10)), .seconds(1))) { stalled in
            guard await connection.hasLostPeer else { return false }
            let since = goneSince ?? .now
            goneSince = since
            return min(stalled, .now - since) >= linger
        }
    }

    /// Sends the command's output. If no client takes it any more, it is read all the same, so that the command can
    /// end.
    private nonisolated(nonsending) func forward(
        _ child: RunningChild, to connection: AsyncPipeConnection
    ) async -> (any Error)? {
        var splitter = LineSplitter()
        var failure: (any Error)?
        do {
            while case let bytes = try await child.output.read(), !bytes.isEmpty {
                guard failure == nil else { continue }
                do {
                    for line in splitter.append(bytes[...]) { try await connection.send(lines.message(of: line)) }
                    guard splitter.pendingByteCount <= lineLimit else { throw overlong }
                } catch {
                    failure = error
                    await connection.abort()
                }
            }
            if failure == nil, let last = splitter.finish() {
                try await connection.send(lines.message(of: last))
            }
        } catch {
            failure = failure ?? error
        }
        return failure
    }

    private var overlong: Failure {
        Failure("a line of the command exceeds \(lineLimit) bytes (--max-message raises it, at both ends)")
    }

    /// The peer's process ID is 0 if the process is not visible from here, and `kill $PEER_PID` would then end the
    /// command's own group: no variable is better than that.
    private func program(for connection: AsyncPipeConnection) -> ChildProgram {
        let peer = connection.peer
        var program = ChildProgram.shell(command)
        program.set("CONNECTION", to: "\(connection.id)")
        program.set("PEER_UID", to: "\(peer.userID)")
        program.set("PEER_PID", to: peer.processID > 0 ? "\(peer.processID)" : nil)
        return program
    }
}

extension AsyncPipeConnection {
    /// Whether the connection has ended, or will end once the peer's remaining messages are read.
    fileprivate var hasLostPeer: Bool { endReason != nil || withConnection { $0.hasLostPeer } }
}
