// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// A server's FIFO, and the connection that receives what any process writes there. The FIFO stays open for as long as
/// the server serves: a connection that ends is followed by another one.
final class FIFODoor {
    private let file: FIFOFile
    private unowned let server: PipeServer
    private var timer: ScheduledWork?

    init(_ file: consuming FIFOFile, _ server: PipeServer) {
        self.file = file
        self.server = server
    }

    /// Opens the first connection from the loop, so that no callback runs inside an initializer.
    func start() { open(after: .zero) }

    /// The connection has ended. After a bad frame, the contents of the FIFO are discarded, because the start of the
    /// next frame is unknown.
    func connectionDidEnd(_ reason: DisconnectReason) {
        if case .framing = reason { SharedDescription.discard(file.fifo.rawValue, atMost: 1 << 20) }
        // Not at once: an owner that closes each connection as it opens does not keep the loop busy.
        open(after: .milliseconds(10))
    }

    private func open(after delay: Duration) {
        timer?.cancel()
        timer = server.reactor.schedule(after: delay) { [weak self] in self?.open() }
    }

    private func open() {
        guard server.lifecycle.isServing else { return }
        do {
            let input = StreamDescriptor.takeNonBlocking(try SharedDescription.duplicate(file.fifo.rawValue))
            let connection = PipeConnection(server.endpoint, ByteStream(DescriptorPair(receiving: input), .unknown))
            connection.rare.isReceiveOnly = true
            connection.lifecycle.neverSends()
            server.openVouched(connection)
        } catch {
            // No descriptor is free.
            server.delegate?.server(server, didFailToAcceptWith: error)
            open(after: .seconds(1))
        }
    }

    deinit { timer?.cancel() }
}

extension PipeServer {
    /// Takes the FIFO of an address.
    func openFIFO() throws(PipeError) {
        guard configuration.accessPolicy.admitsUnknownPeers else { throw .policyNeedsIdentity(address) }
        let door = FIFODoor(try FIFOFile.claim(address, configuration.nameClaim), self)
        nameState.entrance = .fifo(door)
        door.start()
    }

    /// Tells the delegate of a frame that is skipped, from the loop.
    func reportSkippedFrames() {
        guard let skipping = endpoint.framing as? LineSkipping else { return }
        let reference = reference
        skipping.whenSkipping { error in
            reference.perform { server in server.delegate?.server(server, didSkip: error) }
        }
    }
}

extension PipeConnection.Configuration {
    /// The same, for a FIFO: a bad frame is skipped, if it is known where the next one begins.
    var skippingBadFrames: Self {
        guard let lines = framing as? DelimiterFraming else { return self }
        var changed = self
        changed.framing = LineSkipping(lines)
        return changed
    }
}
