// SPDX-License-Identifier: Apache-2.0
internal import var Glibc.EPERM
internal import PipeReactor

/// The two descriptors of a stream that is not one socket: standard input and output, or the pipes of a child.
///
/// epoll watches them. It refuses files and /dev/null (EPERM), which are always ready: those are reported once a turn
/// of the loop, so that all other connections have their turn in between.
final class DescriptorPair {
    private var input: StreamDescriptor
    // Nil once sending has finished.
    private var output: StreamDescriptor?
    private weak var handler: (any ByteStreamHandler)?
    private var reactor: Reactor?

    // Declared behind the descriptors, and released before them in `close()`: epoll has to forget first.
    private var inputSource: EventSource?
    private var outputSource: EventSource?

    // What to report at the end of the turn, because epoll does not.
    private var reportsInput = false
    private var reportsOutput = false
    private var isScheduled = false

    /// Whether the peer has sent descriptors through the input, which is a socket then.
    private(set) var hasReceivedDescriptors = false

    /// - Parameter namesPeer: whether the input is a Unix socket.
    init(_ descriptors: consuming TwoDescriptors, namesPeer: Bool) {
        isReceiveOnly = false
        localSocket = namesPeer ? descriptors.input.number : nil
        input = descriptors.input
        output = .some(descriptors.output)
    }

    /// An input without an output.
    init(receiving input: consuming StreamDescriptor) {
        localSocket = nil
        isReceiveOnly = true
        self.input = input
        output = nil
    }

    private let isReceiveOnly: Bool

    /// The Unix socket whose peer the kernel can be asked about; nil if the input is none.
    let localSocket: Int32?

    func attach(to handler: any ByteStreamHandler, _ reactor: Reactor) {
        self.handler = handler
        self.reactor = reactor
        inputSource = EventSource(reactor, borrowing: input.number, .readable, handler: handler)
    }

    // MARK: Bytes

    func receive(into space: UnsafeMutableRawBufferPointer) throws(SystemError) -> ReadOutcome<Int> {
        try unsafe input.receive(into: space, &hasReceivedDescriptors)
    }

    func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        // The queue is empty once sending has finished.
        guard let sent = try unsafe output?.send(bytes) else { return nil }
        return sent
    }

    /// Closes the output, or shuts it down if it is a socket, whose descriptor others may have as well.
    func finishSending() {
        outputSource = nil
        if let number = outputSocket { Socket.finishSending(number) }
        output = nil
    }

    private var outputSocket: Int32? {
        guard output?.isSocket == true else { return nil }
        return output?.number
    }

    /// How the peer went away. Once sending has finished, its end of the input is the end.
    func hangUp() throws(SystemError) -> PeerHangUp? {
        guard output != nil else { return isReceiveOnly ? nil : .clean }
        return try output?.readerHangUp() ?? nil
    }

    func close() {
        handler = nil
        inputSource = nil
        outputSource = nil
        output = nil
    }
}

// MARK: - Readiness

extension DescriptorPair {
    func watchInput() throws(SystemError) {
        do {
            try inputSource?.register()
        } catch  where error.code == EPERM {
            reportsInput = true
            schedule()
        }
    }

    func unwatchInput() {
        reportsInput = false
        inputSource?.unregister()
    }

    /// Reports room to write, level-triggered, until ``unwatchOutput()``.
    func awaitRoom() throws(SystemError) { try watchOutput(.writable) }

    /// Reports, edge-triggered, that the reader is gone; once, if nothing is left that could report it.
    func awaitHangUp() throws(SystemError) { try watchOutput(.edgeWritable) }

    func unwatchOutput() {
        reportsOutput = false
        outputSource = nil
    }

    private func watchOutput(_ interest: Interest) throws(SystemError) {
        guard let reactor, let handler else { return }
        outputSource = nil
        guard let number = output?.number else { return reportOutput() }
        outputSource = EventSource(reactor, borrowing: number, interest, handler: handler)
        do {
            try outputSource?.register()
        } catch  where error.code == EPERM {
            reportOutput()
        }
    }

    private func reportOutput() {
        reportsOutput = true
        schedule()
    }
}

extension DescriptorPair: TurnWork {
    private func schedule() {
        guard !isScheduled else { return }
        isScheduled = true
        reactor?.runAtEndOfTurn(self)
    }

    func runInTurn() {
        isScheduled = false
        if reportsInput { handler?.handle(.readable) }
        if reportsOutput {
            reportsOutput = false
            handler?.handle(.writable)
        }
        if reportsInput || reportsOutput, handler != nil { schedule() }
    }
}
