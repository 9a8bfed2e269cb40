// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import NamedPipes
internal import NamedPipesRPC

/// The messages of a server that offers them itself, at ADDRESS.stat (`StatisticsEndpoint.Offer.tap`).
struct ServerCapture: CaptureSource {
    /// The server's own address.
    let address: PipeAddress

    /// The messages to capture. The server applies it. The default is all.
    var filter = CaptureFilter()

    /// How many bytes of each message to capture; 0 for sizes only. The default is as many as a server reports:
    /// ``maximumContentLimit``.
    var contentLimit = Self.maximumContentLimit

    /// The time limit for the connection, and for the first report. The default is 5 s.
    var timeout = Duration.seconds(5)

    /// No server reports more bytes of a message than this.
    static let maximumContentLimit = TapQuestion.maximumContentLimit

    func run(
        on executor: ReactorExecutor, _ take: @escaping @Sendable ([CaptureEvent]) throws -> Void
    ) async throws {
        var question = TapQuestion()
        question.connection = filter.connection
        question.userID = filter.userID
        question.processID = filter.processID
        question.direction = filter.direction
        question.contentLimit = contentLimit
        do {
            try await StatisticsEndpoint.tap(beside: address, question, timeout: timeout, on: executor) { report in
                try take(CaptureEvent.all(in: report))
            }
        } catch {
            throw failure(of: error)
        }
    }

    private func failure(of error: any Error) -> any Error {
        switch error {
        case is CancellationError, is Failure: error
        case PipeError.noServer:
            Failure("\(address) offers no tap, or has no server (--allow-tap of its server)")
        case let error as JSONRPCError where error.code == .methodNotFound:
            Failure("\(address) does not offer a tap (--allow-tap of its server; StatisticsEndpoint.Offer in Swift)")
        case let error as JSONRPCError: Failure("\(address): \(printable(error.message))")
        case PipeError.disconnected, PipeError.notConnected, JSONRPCRequestFailure.connectionEnded:
            Failure("\(address) has ended, or no longer offers a tap")
        default: error
        }
    }
}

extension CaptureEvent {
    /// The events of a report.
    ///
    /// - Throws: ``Failure`` if a number in it cannot be: the server may be any program.
    static func all(in report: TapReport) throws(Failure) -> [CaptureEvent] {
        guard report.lost >= 0 else { throw Failure("the server reports \(report.lost) lost messages") }
        var events: [CaptureEvent] = []
        for message in report.messages { events.append(.message(try CapturedMessage(message))) }
        return report.lost > 0 ? events + [.lost(report.lost)] : events
    }
}

extension CapturedMessage {
    fileprivate init(_ message: TapReport.Message) throws(Failure) {
        let bytes =
            message.text.map { Array($0.utf8) } ?? message.base64.flatMap { Data(base64Encoded: $0) }.map { Array($0) }
            ?? []
        guard message.size >= bytes.count else {
            throw Failure("the server reports \(bytes.count) bytes of a message of \(message.size)")
        }
        self.init(
            nanoseconds: message.time.multipliedReportingOverflow(by: 1000).partialValue,
            connection: message.connection, direction: message.direction, userID: message.userID,
            processID: message.processID, sequence: message.sequence, byteCount: message.size,
            bytes: bytes)
    }
}
