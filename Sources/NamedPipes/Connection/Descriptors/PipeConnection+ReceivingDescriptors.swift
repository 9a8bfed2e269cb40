// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import PipeReactor

// From descriptors that came with bytes to descriptors that came with a message.

extension PipeConnection {
    /// One read of a stream that accepts descriptors.
    func receiveWithDescriptors(
        into first: UnsafeMutableRawBufferPointer, _ second: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> ReadOutcome<Int> {
        let outcome = try unsafe stream.receiveWithDescriptors(into: first, second)
        if case .content(let read) = outcome, read.hasAny { descriptorTraffic.didArrive(read) }
        return outcome.map(\.byteCount)
    }

    /// Whether the connection may read, as far as its descriptors go. If not, it pauses until some have left.
    func mayReadDescriptors() -> Bool {
        guard let traffic = rareIfAny?.descriptors, !traffic.mayRead else { return true }
        flow.pauseForDescriptors()
        return false
    }

    /// Descriptors in flight have left: there may be room for more.
    func descriptorsDidLeave() {
        guard lifecycle.state != .closed else { return }
        flow.resumeForDescriptors()
        interest.expectInput()
        turn.want()
        schedule()
    }

    /// Ends the connection if descriptors have arrived that no message can claim.
    ///
    /// - Returns: whether there was such a fault.
    func endForDescriptors() -> Bool {
        guard lifecycle.isReceiving, let traffic = rareIfAny?.descriptors else { return false }
        if let reassembly, reassembly.mayHoldFrames { return false }
        guard let problem = traffic.arrived.problem(isBetweenFrames: reassembly == nil) else { return false }
        end(for: problem, traffic)
        return true
    }

    private func end(for problem: DescriptorProblem, _ traffic: DescriptorTraffic) {
        traffic.abandonArrived()
        beginClose(.descriptors(problem))
    }

    /// Delivers the frames of a framing that announces descriptors, one message after the other.
    ///
    /// - Returns: how far decoding came; nil if a claim was wrong, so that the connection begins to close.
    func scanAnnounced(
        _ bytes: Span<UInt8>, _ scannedByteCount: Int, _ framing: any DescriptorAnnouncingFraming,
        _ delegate: any PipeConnectionDelegate, _ remaining: inout Int
    ) throws(FramingError) -> FrameWalk? {
        var consumed = 0
        var scanned = scannedByteCount
        while consumed < bytes.count {
            let rest = bytes.extracting(droppingFirst: consumed)
            switch try framing.nextFrame(in: rest, scannedByteCount: scanned) {
            case .incomplete(let frameByteCount, let scannedByteCount):
                return FrameWalk(
                    consumedByteCount: consumed, frameByteCount: frameByteCount, scannedByteCount: scannedByteCount)
            case .frame(let range, let byteCount):
                precondition(byteCount > 0 && byteCount <= rest.count, "a framing claimed bytes that are not there")
                consumed += byteCount
                scanned = 0
                let count = framing.descriptorCount(ofFrame: rest.extracting(first: byteCount))
                guard deliver(rest.extracting(range), count, delegate) else { return nil }
                remaining -= 1
                guard mayDeliver(remaining) else { return FrameWalk(stoppedAfter: consumed) }
            }
        }
        return FrameWalk(consumedByteCount: consumed, frameByteCount: nil, scannedByteCount: 0)
    }

    /// Delivers a message with the descriptors that it announces. Those that the delegate leaves are closed.
    ///
    /// - Returns: whether they were there.
    private func deliver(
        _ message: Span<UInt8>, _ count: Int, _ delegate: any PipeConnectionDelegate
    ) -> Bool {
        guard count > 0 else {
            delegate.connection(self, didReceive: message)
            return true
        }
        let traffic = descriptorTraffic
        if let problem = traffic.arrived.problem(ofClaim: count) {
            end(for: problem, traffic)
            return false
        }
        var descriptors = traffic.claim(count)
        delegate.connection(self, didReceive: message, descriptors: &descriptors)
        return true
    }
}

extension ByteStream {
    /// Whether descriptors from the peer are received with its messages.
    var acceptsDescriptors: Bool { passedDescriptors == .accepted }

    /// One read with the descriptors that come with it. For a stream that ``acceptsDescriptors``.
    func receiveWithDescriptors(
        into first: UnsafeMutableRawBufferPointer, _ second: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> ReadOutcome<AncillaryRead> {
        try unsafe AncillaryRead.receive(descriptor, first, second)
    }

    /// Applies a policy of accepting descriptors, before the stream is attached: accepts them from now on, or refuses
    /// them from this peer, as far as the kernel can.
    mutating func apply(_ acceptance: DescriptorPolicy.Acceptance) {
        guard descriptor >= 0 else { return }
        let number = descriptor
        let isAdmitted = acceptance.admits(peer) { () throws(SystemError) in try Socket.peerGroups(number) }
        guard isAdmitted else {
            // Some may be in its queue already, so it stays guarded.
            return DescriptorRefusal.attempt(toRefuse: true, number)
        }
        guardUnattached()
        passedDescriptors = .accepted
        DescriptorRefusal.attempt(toRefuse: false, number)
    }
}
