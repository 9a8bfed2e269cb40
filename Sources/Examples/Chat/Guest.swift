// SPDX-License-Identifier: Apache-2.0
import Glibc
import NamedPipes
import NamedPipesProgram

/// The client's side: shows what is said, and sends what is typed.
///
/// Standard input and the pipe are two descriptors on one reactor, so neither waits for the other and nothing is
/// locked.
final class Guest: PipeClientDelegate {
    private let nickname: String
    private let reactor: Reactor
    private var keyboard: DescriptorWatch?
    private var typed = FrameBuffer()

    init(nickname: String, reactor: Reactor) {
        self.nickname = nickname
        self.reactor = reactor
    }

    // MARK: The room

    func connectionDidOpen(_ connection: PipeConnection) {
        _ = try? connection.send(nickname)
        listenToKeyboard(sayingOn: connection)
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        guard let utf8 = try? UTF8Span(validating: message) else { return }
        // Text from other guests must not control this terminal.
        PipeProgram.report(
            String(String(copying: utf8).unicodeScalars.filter { $0.properties.generalCategory != .control }))
    }

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        if reason != .closedLocally { PipeProgram.report("* the room has closed (\(reason))") }
        keyboard?.cancel()
        reactor.stop()
    }

    func client(_ client: PipeClient, didFailToConnectWith error: PipeError) {
        PipeProgram.fail(error)
    }

    // MARK: The keyboard

    private func listenToKeyboard(sayingOn connection: PipeConnection) {
        do {
            keyboard = try reactor.watch(STDIN_FILENO, for: .reading) { [unowned self] in
                guard let bytes = readKeyboard() else { return }
                if bytes.isEmpty { return endOfInput(connection) }
                typed.append(contentsOf: bytes.span)
                sayLines(on: connection)
            }
        } catch {
            PipeProgram.fail(error)
        }
    }

    /// The typed bytes; empty at the end, nil if there are none yet.
    private func readKeyboard() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe read(STDIN_FILENO, &bytes, bytes.count)
        if count >= 0 { return Array(bytes.prefix(count)) }
        if errno == EAGAIN || errno == EINTR { return nil }
        PipeProgram.fail(SystemError(call: "read", code: errno))
    }

    /// The end of the input ends the visit: queued lines are still sent.
    private func endOfInput(_ connection: PipeConnection) {
        keyboard?.cancel()
        connection.close()
    }

    /// Framings are not only for sockets: this one finds the lines in whatever bytes have been typed.
    private func sayLines(on connection: PipeConnection) {
        let walk = try? DelimiterFraming.newline.scanFrames(in: typed.span, scannedByteCount: 0) { line in
            _ = try? connection.send(line)
            return true
        }
        typed.removeFirst(walk?.consumedByteCount ?? typed.byteCount)
    }
}
