// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesProgram

/// Counts messages, and answers each with the number. It does not know whether its clients are on this machine.
final class Counter: PipeServerDelegate {
    private let name: String
    private var count = 0

    /// - Parameter name: distinguishes this process from the others that serve the same name.
    init(name: String) { self.name = name }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        count += 1
        // A client that does not read its answers loses its connection: see `slowReaderPolicy` in `main`.
        _ = try? connection.send("\(name) \(count)")
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        PipeProgram.report("\(connection.id) left (\(reason))")
    }
}
