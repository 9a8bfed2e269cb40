// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesProgram

/// Accepts clients and hands each to the next worker. It reads nothing of what they send.
final class Master: PipeServerDelegate {
    private var desks: [Desk] = []
    private var next = 0

    /// Clients that came while no worker was there. They are not read meanwhile.
    private var waiting: [PipeConnection] = []

    func startWorkers(_ count: Int, on reactor: Reactor) {
        for number in 1...count { desks.append(Desk(number, on: reactor) { [unowned self] in dealWaiting() }) }
    }

    func connectionDidOpen(_ connection: PipeConnection) {
        connection.pauseReceiving()
        waiting.append(connection)
        dealWaiting()
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        waiting.removeAll { $0 === connection }
    }

    private func dealWaiting() {
        while let client = waiting.first, desks.contains(where: \.isReady) {
            waiting.removeFirst()
            do {
                try client.detach { [unowned self, server = client.server] client in deal(client, of: server) }
            } catch {
                // It has left meanwhile.
                client.abort()
            }
        }
    }

    /// The client has no server now: a worker gets it, or the server admits it again.
    private func deal(_ client: consuming DetachedConnection, of server: PipeServer?) {
        for _ in desks {
            next = (next + 1) % desks.count
            if desks[next].isReady { return desks[next].give(client) }
        }
        server?.adopt(AcceptedConnection(client))
    }
}

/// The place of one worker: the program, whichever process it is at present.
final class Desk: PipeClientDelegate {
    private let number: Int
    private let whenReady: () -> Void
    private var worker: PipeClient?

    init(_ number: Int, on reactor: Reactor, whenReady: @escaping () -> Void) {
        self.number = number
        self.whenReady = whenReady
        var configuration = PipeClient.Configuration(framing: DescriptorFraming())
        configuration.reconnection = PipeClient.Reconnection()
        // Clients that a worker had no chance to take go to the process that follows it.
        configuration.unsentMessages = .keep
        let command: PipeCommand = ["/proc/self/exe", Worker.option]
        worker = PipeClient(spawning: command, configuration: configuration, reactor: reactor, delegate: self)
        worker?.connect()
    }

    var isReady: Bool { worker?.connection?.isOpen == true }

    /// Sends the client's socket, with the bytes that were read of it already.
    func give(_ client: consuming DetachedConnection) {
        let unread = client.unreadBytes
        var descriptors = OutgoingDescriptors()
        descriptors.append(taking: client.takeDescriptor())
        do {
            try worker?.send(unread.span, descriptors: &descriptors)
        } catch {
            PipeProgram.warn("worker \(number) does not take a client: \(error)")
        }
    }

    func connectionDidOpen(_ connection: PipeConnection) {
        PipeProgram.report("worker \(number) is process \(connection.peer.processID)")
        whenReady()
    }

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}

    func connection(_ connection: PipeConnection, didCloseWith reason: DisconnectReason) {
        PipeProgram.report("worker \(number): \(reason)")
    }

    func client(_ client: PipeClient, didFailToConnectWith error: PipeError) {
        PipeProgram.warn("worker \(number) does not start: \(error)")
    }
}
