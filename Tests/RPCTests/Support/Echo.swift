// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// Sends every message back.
final class Echo: PipeServerDelegate {
    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) { _ = try? connection.send(message) }
}
