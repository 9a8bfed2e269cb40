// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes
internal import Subprocess

/// A command that serves connections, a process for each.
struct ChildCommand: Sendable {
    /// How a command ended.
    struct Ending: Sendable {
        let status: TerminationStatus
        /// What was wrong with the connection or the command's output.
        let failure: (any Error)?

        var text: String {
            switch status {
            case .exited(let code): "exited with \(code)"
            case .signaled(let number): "was ended by signal \(number)"
            }
        }
    }

    let text: String
    let lines: MessageLines
    /// The longest line of its output, in bytes.
    let lineLimit: Int
    let linger: Duration

    private typealias Child = Execution<CustomWriteInput, SequenceOutput, FileDescriptorOutput>

    /// Runs it until it has ended, which it is made to soon after the connection has.
    ///
    /// - Parameter onMessage: hears the size of each message that has come.
    /// - Throws: what stood against starting it.
    nonisolated(nonsending) func serve(
        _ connection: AsyncPipeConnection, onMessage: @escaping @Sendable (Int) -> Void
    ) async throws -> Ending {
        let outcome = try await Subprocess.run(
            .name("sh"), arguments: ["-c", text], environment: environment(for: connection),
            platformOptions: Self.options, input: .inputWriter, output: .sequence, error: .currentStandardError
        ) { child in
            await talk(connection, child, onMessage)
        }
        return Ending(status: outcome.terminationStatus, failure: outcome.closureResult)
    }

    /// Both directions at once, until the process has ended.
    private nonisolated(nonsending) func talk(
        _ connection: AsyncPipeConnection, _ child: Child, _ onMessage: @escaping @Sendable (Int) -> Void
    ) async -> (any Error)? {
        await withTaskGroup(of: (any Error)?.self) { group in
            group.addTask { await feed(child, from: connection, onMessage) }
            let failure = await forward(child, to: connection)
            // Without output there is nothing to ask for any more: the input ends, too.
            group.cancelAll()
            return await group.next().flatMap { $0 } ?? failure
        }
    }

    /// Writes what arrives, ends the input behind it, and sees to it that the process ends after that.
    private nonisolated(nonsending) func feed(
        _ child: Child, from connection: AsyncPipeConnection, _ onMessage: (Int) -> Void
    ) async -> (any Error)? {
        var failure: (any Error)?
        do {
            for try await message in connection.messages {
                onMessage(message.byteCount)
                let line = try lines.line(of: [UInt8](copying: message))
                // Less was taken, or an error comes, where it does not read any more: then its output ends as well.
                guard try await child.standardInputWriter.write(line) == line.count else { break }
            }
        } catch let refused as Failure {
            failure = refused
            await connection.abort()
        } catch {
            // The connection's end is told by the connection, the command's by its status.
        }
        try? await child.standardInputWriter.finish()
        await child.teardown(using: [.send(signal: Self.noSignal, allowedDurationToNextStep: linger)] + Self.ending)
        return failure
    }

    /// Sends what the command writes. When nobody takes it any more, it is read all the same, so that the command can end.
    private nonisolated(nonsending) func forward(_ child: Child, to connection: AsyncPipeConnection) async
        -> (any Error)?
    {
        var splitter = LineSplitter()
        var failure: (any Error)?
        do {
            for try await buffer in child.standardOutput where failure == nil {
                do {
                    let bytes = unsafe buffer.withUnsafeBytes { unsafe Array($0) }
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

    private func environment(for connection: AsyncPipeConnection) -> Environment {
        .inherit.updating([
            "CONNECTION": "\(connection.id)", "PEER_UID": "\(connection.peer.userID)",
            "PEER_PID": "\(connection.peer.processID)",
        ])
    }

    // MARK: The end

    /// A process group of its own, so that what a shell has started ends with it, and the terminal's Ctrl-C is ours.
    private static var options: PlatformOptions {
        var options = PlatformOptions()
        options.processGroupID = 0
        // When the server is stopped at once.
        options.teardownSequence = ending
        return options
    }

    /// SIGKILL follows by itself.
    private static var ending: [TeardownStep] {
        [.send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(2))]
    }

    /// kill(2): only asks whether the process is there. A step that merely waits.
    private static var noSignal: Signal { Signal(rawValue: 0) }
}
