// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// A second name, which no attack knows: `statistics`, `drain` and `stop`. It is on the loop of the server that is
/// attacked; beside a pool, on a loop of its own.
final class Control: PipeServerDelegate {
    private let attacked: Attacked
    private let tally: Tally
    private var door: PipeServer?

    init(of attacked: Attacked, _ tally: Tally, _ settings: Settings, _ reactor: Reactor) throws(PipeError) {
        self.attacked = attacked
        self.tally = tally
        var configuration = PipeServer.Configuration()
        configuration.existingServer = settings.configuration.existingServer
        door = try PipeServer(
            listeningOn: settings.controlAddress, configuration: configuration, reactor: reactor, delegate: self)
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        switch String(copying: message) {
        case "statistics": answer(on: connection)
        case "drain": attacked.stop(gracePeriod: .seconds(5))
        case "stop": attacked.stop(gracePeriod: .zero)
        default: connection.abort()
        }
    }

    private func answer(on connection: PipeConnection) {
        switch attacked {
        case .server(let server): _ = try? connection.send(Self.text(server.statistics, tally.now))
        case .pool(let pool): Self.answer(over: connection.sender, pool, tally)
        }
    }

    private static func answer(over sender: PipeSender, _ pool: PipeServerPool, _ tally: Tally) {
        Task {
            let numbers = await pool.statistics()
            sender.post(text(numbers.total, tally.now))
        }
    }

    private static func text(_ numbers: PipeServer.Statistics, _ counts: Tally.Counts) -> String {
        let fields = [
            "\"messages\": \(counts.messages)", "\"accepted\": \(numbers.acceptedCount)",
            "\"open\": \(numbers.openCount)", "\"refused\": \(numbers.refusedCount)",
            "\"refusedSends\": \(counts.refusedSends)", "\"failedOutputs\": \(counts.failedOutputs)",
            "\"queued\": \(numbers.queuedByteCount)",
            "\"endings\": {\(counts.endings.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", "))}",
        ]
        return "{\(fields.joined(separator: ", "))}"
    }
}
