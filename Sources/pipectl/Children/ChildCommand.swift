// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// A command that serves connections, a process for each.
struct ChildCommand: Sendable {
    /// How a command ended.
    struct Ending: Sendable {
        let end: ProcessEnd
        /// The problem of the connection or the command's output.
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

    /// Runs it until it has ended with all that it started, which it is made to soon after the connection has.
    ///
    /// To be called on the reactor's thread.
    ///
    /// - Parameter onMessage: hears the size of each message that has come.
    /// - Throws: what stood against starting it.
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
                // Without output there is nothing to ask for any more: the input ends, too.
                group.cancelAll()
                unsafe child.input.close()
                unsafe child.end(after: linger)
                let feedFailure = await group.next().flatMap { $0 }
                return Ending(end: await unsafe child.waitForEnd(), failure: feedFailure ?? failure)
            }
        } onCancel: {
            // When the server is stopped at once.
            executor.post { _ in
                unsafe child.input.close()
                unsafe child.endNow()
            }
        }
    }

    /// Writes what arrives, ends the input behind it, and sees to it that the process ends after that.
    private nonisolated(nonsending) func feed(
        _ child: RunningChild, from connection: AsyncPipeConnection, _ onMessage: (Int) -> Void
    ) async -> (any Error)? {
        var failure: (any Error)?
        do {
            for try await message in connection.messages {
                onMessage(message.byteCount)
                let line = try lines.line(of: [UInt8](copying: message))
                // Where it does not read any more, its output ends as well, or it is ended.
                guard try await write(line, to: child, from: connection) else { break }
            }
        } catch let refused as Failure {
            failure = refused
            await connection.abort()
        } catch let error as SystemError {
            failure = error
        } catch {
            // The connection's end is told by the connection, the command's by its status.
        }
        child.input.close()
        child.end(after: linger)
        return failure
    }

    /// A command may take its time, as long as its client is there. What a client that has gone left for it, it has to
    /// take without a pause longer than it may linger: a command that reads nothing must not outlive its client.
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

    /// The peer's process is 0 where it cannot be seen from here, and `kill $PEER_PID` would then end the command's own
    /// group: better no variable than that one.
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
    /// Whether the connection has ended, or will once what its peer left behind is read.
    fileprivate var hasLostPeer: Bool { endReason != nil || withConnection { $0.hasLostPeer } }
}
