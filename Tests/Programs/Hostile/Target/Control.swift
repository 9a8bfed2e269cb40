// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// A second name on the same loop, which no attack knows: `statistics`, `drain` and `stop`.
final class Control: PipeServerDelegate {
    private let target: Target
    private let server: PipeServer
    private var door: PipeServer?

    init(of server: PipeServer, _ target: Target, _ settings: Settings, _ reactor: Reactor) throws(PipeError) {
        self.server = server
        self.target = target
        var configuration = PipeServer.Configuration()
        configuration.existingServer = settings.configuration.existingServer
        door = try PipeServer(
            listeningOn: settings.controlAddress, configuration: configuration, reactor: reactor, delegate: self)
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        switch String(copying: message) {
        case "statistics": _ = try? connection.send(statistics)
        case "drain": server.stop(gracePeriod: .seconds(5))
        case "stop": server.stop()
        default: connection.abort()
        }
    }

    private var statistics: String {
        let numbers = server.statistics
        var fields = [
            "\"messages\": \(target.messageCount)", "\"accepted\": \(numbers.acceptedCount)",
            "\"open\": \(numbers.openCount)", "\"refused\": \(numbers.refusedCount)",
            "\"refusedSends\": \(target.refusedSendCount)", "\"failedOutputs\": \(target.failedOutputCount)",
            "\"queued\": \(numbers.queuedByteCount)",
        ]
        let endings = target.endings.map { "\"\($0.key)\": \($0.value)" }
        fields.append("\"endings\": {\(endings.joined(separator: ", "))}")
        return "{\(fields.joined(separator: ", "))}"
    }
}
