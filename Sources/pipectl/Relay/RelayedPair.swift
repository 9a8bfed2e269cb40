// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// A client and its server, each of which gets the bytes of the other, and then learns that no more follow.
///
/// An end can be lost while the other one lives. What it had sent still reaches the other end, which is then closed.
/// Meanwhile, what the other end sends is read and dropped, because it may not read before it could write.
struct RelayedPair {
    let near: AsyncPipeConnection
    let far: AsyncPipeConnection
    /// Called for each piece, before it is passed on; `isToServer` if it comes from the client.
    let didReceive: @Sendable (_ piece: PipeMessage, _ isToServer: Bool) -> Void

    private enum Ending {
        /// The source has finished, and the target knows.
        case passedOn
        case lost(AsyncPipeConnection, any Error)
    }

    /// Returns when both directions have ended; both connections are to be closed then.
    ///
    /// - Returns: what the client cannot know: how the server was lost.
    func run() async throws -> Failure? {
        let ending = try await passBothWays()
        guard case .lost(let end, let error) = ending else { return nil }
        await passRest(to: end.id == near.id ? far : near)
        return end.id == far.id ? Failure("its server is gone: \(Failure(error).message)") : nil
    }

    /// Returns when both directions have ended, or one end was lost.
    private func passBothWays() async throws -> Ending {
        try await withThrowingTaskGroup(of: Ending.self) { group in
            for (source, target) in [(near, far), (far, near)] {
                group.addTask(executorPreference: near.executor) { try await pass(from: source, to: target) }
            }
            defer { group.cancelAll() }
            for try await ending in group {
                if case .lost = ending { return ending }
            }
            return .passedOn
        }
    }

    private func pass(from source: AsyncPipeConnection, to target: AsyncPipeConnection) async throws -> Ending {
        var lost = source
        do {
            for try await bytes in source.messages {
                didReceive(bytes, source.id == near.id)
                lost = target
                try await target.send(bytes)
                lost = source
            }
            await target.finishSending()
            return .passedOn
        } catch let error as CancellationError {
            throw error
        } catch {
            return .lost(lost, error)
        }
    }

    /// Waits until the end that is left has read what it was sent.
    private func passRest(to end: AsyncPipeConnection) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: near.executor) {
                do { for try await _ in end.messages {} } catch {
                    // It has ended as well.
                }
            }
            await end.finishSending()
            do { try await end.whenReadByPeer(within: .seconds(1_000_000_000)) } catch {
                // It has ended as well.
            }
            group.cancelAll()
        }
    }
}

extension PipeConnection.Configuration {
    /// Of both connections of a pair. Nothing here has a time limit: the ends have theirs. A process that is gone is
    /// noticed without one.
    static var relayed: Self {
        var configuration = Self()
        configuration.framing = RawFraming()
        configuration.frameDeadline = nil
        configuration.writeStallDeadline = nil
        configuration.closeTimeout = TimeLimit(seconds: 0).orForEver
        return configuration
    }
}
