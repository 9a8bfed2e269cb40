// SPDX-License-Identifier: Apache-2.0

/// The events of one run of a delegate: a value, so that it can be enumerated, made at random, and described.
struct ConformanceHistory {
    var steps: [Step] = []
    var kind = Kind.steps
    /// Actions of another part of the program inside callbacks.
    var meddling: [Meddling] = []
    var faults = TransportFaults.none
    var seed: UInt64 = 0
    /// Whether the subject's queue is above its mark as soon as its peer does not read.
    var isTight = false

    enum Kind {
        case steps
        /// Many connections that come and go; see ``ConformanceRun/receiveVisitors()``.
        case visitors
        /// One connection that receives a lot and whose peer reads nothing; see ``ConformanceRun/receiveHoarder()``.
        case hoarder
    }

    /// Peers are numbered from 0, in the order in which they connected.
    enum Step: Hashable {
        /// A client connects. If the subject is a client, it is told to connect.
        case connect
        case send(Int, [[UInt8]])
        case sendPart(Int)
        case sendGarbage(Int)
        case finish(Int)
        case close(Int)
        case stopReading(Int)
        case readOn(Int)
        /// Actions of another part of the program on the subject's connection, outside its callbacks.
        case local(Int, LocalAction)
        case stop
        case stopDraining
        case pass(Duration)
        case turn
    }

    /// Actions that are allowed on a connection at any time.
    enum LocalAction: String, Hashable, CaseIterable {
        case close, abort, finishSending, pause, resume, stop
    }

    /// An action inside the first callback of a kind, after what the delegate does there.
    struct Meddling: Hashable {
        let callback: ContractWatch.Kind
        let action: LocalAction
    }
}

extension ConformanceHistory {
    /// Whether another part of the program finishes sending.
    var finishesSending: Bool {
        let isStep = steps.contains { step in
            if case .local(_, .finishSending) = step { true } else { false }
        }
        return isStep || meddling.contains { $0.action == .finishSending }
    }
}

extension ConformanceHistory.Step: CustomStringConvertible {
    var description: String {
        switch self {
        case .connect: "a connection"
        case .send(let peer, let messages):
            "peer \(peer) sends \(messages.map(MessageText.text(of:)).joined(separator: ", "))"
        case .sendPart(let peer): "peer \(peer) sends a part of a message"
        case .sendGarbage(let peer): "peer \(peer) sends garbage"
        case .finish(let peer): "peer \(peer) finishes"
        case .close(let peer): "peer \(peer) closes"
        case .stopReading(let peer): "peer \(peer) reads no more"
        case .readOn(let peer): "peer \(peer) reads on"
        case .local(let peer, let action): "\(action.rawValue) at this end of peer \(peer)"
        case .stop: "stop"
        case .stopDraining: "stop, draining"
        case .pass(let duration): "\(duration) pass"
        case .turn: "turn"
        }
    }
}

extension ConformanceHistory {
    /// Varies the configuration at random, except for the first histories, which use the given one.
    func vary(_ configuration: PipeServer.Configuration) -> PipeServer.Configuration {
        var configuration = configuration
        vary(&configuration.connection)
        return configuration
    }

    func vary(_ configuration: PipeClient.Configuration) -> PipeClient.Configuration {
        var configuration = configuration
        vary(&configuration.connection)
        return configuration
    }

    private func vary(_ configuration: inout PipeConnection.Configuration) {
        if isTight {
            configuration.highWaterMark = 1000
            configuration.lowWaterMark = 500
        }
        guard seed > 0 else { return }
        var random = Seeded(seed)
        configuration.messagesPerTurn = random.pick([1, 2, 4096, 4096])
        configuration.highWaterMark = random.pick([100, 5000, configuration.highWaterMark])
        configuration.lowWaterMark = min(configuration.lowWaterMark, configuration.highWaterMark / 2)
    }
}
