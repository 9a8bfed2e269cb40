// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

// HOSTILE 47: every action inside every callback, with two more connections that have news in the same batch. The
// Recorder checks what must hold in every case (one end each, nothing behind it, no nesting), and so does the Loop
// (nothing is left); Action.verify checks what must hold for one action.

@Suite struct `47 Inside any callback of a server` {
    @Test(arguments: Moment.allCases, Action.allCases)
    func `anything may be done`(moment: Moment, action: Action) throws {
        try withLoop { loop in
            let stage = try Stage(loop)
            stage.whenever(moment) { action.perform(on: stage, $0) }
            try moment.bringAbout(on: stage)
            loop.settle()
            #expect(stage.actionCount == 1)
            try action.verify(on: stage)
            stage.reference.perform { $0.stop() }
            try #require(loop.run { stage.recorder.stopCount == 1 })
            loop.settle()
            #expect(stage.recorder.reasons.count == stage.recorder.openCount)
            #expect(stage.recorder.stopCount == 1)
        }
    }
}

/// A server with three raw peers.
final class Stage {
    let loop: Loop
    let recorder: Recorder
    var server: PipeServer?
    let reference: ReactorReference<PipeServer>
    var peers: [RawPeer] = []

    var actionCount = 0
    /// The connection in whose callback the action was done, if it was one.
    var current: PipeConnection?
    var second: (server: PipeServer, recorder: Recorder)?
    var outcome: PipeServer.BroadcastOutcome?
    var refusal: PipeError?
    /// The number of messages when the action was done.
    var messageCount = 0

    init(_ loop: Loop) throws {
        self.loop = loop
        var configuration = PipeServer.Configuration()
        configuration.connection.highWaterMark = 10_000
        configuration.connection.lowWaterMark = 1000
        let (server, recorder) = try loop.server(configuration)
        (self.server, self.recorder) = (server, recorder)
        reference = server.reference
        for number in 1...3 {
            peers.append(try RawPeer(connectingTo: loop.address))
            try #require(loop.run { recorder.openCount == number })
        }
    }

    /// Does something in the first callback of a kind.
    func whenever(_ moment: Moment, _ body: @escaping (PipeConnection?) -> Void) {
        let once = { [unowned self] (connection: PipeConnection?) in
            guard actionCount == 0 else { return }
            actionCount += 1
            current = connection
            messageCount = recorder.messageCount
            body(connection)
        }
        switch moment {
        case .shouldAccept:
            recorder.whenAsked = { _, _ in
                once(nil)
                return true
            }
        case .didOpen: recorder.whenOpened = once
        case .didReceive: recorder.whenReceived = { connection, _ in once(connection) }
        case .didDrain: recorder.whenDrained = once
        case .didFinishReceiving:
            recorder.whenFinished = { connection in
                once(connection)
                connection.close()
            }
        case .didClose: recorder.whenClosed = { connection, _ in once(connection) }
        case .serverDidStop: recorder.whenStopped = { _ in once(nil) }
        }
    }

    /// Another connection than the current one, open or not.
    var other: PipeConnection? { recorder.connections.first { $0 !== current } }
}

enum Moment: CaseIterable {
    case shouldAccept, didOpen, didReceive, didDrain, didFinishReceiving, didClose, serverDidStop

    func bringAbout(on stage: Stage) throws {
        let (loop, recorder) = (stage.loop, stage.recorder)
        switch self {
        case .shouldAccept, .didOpen:
            for _ in 0..<2 { stage.peers.append(try RawPeer(connectingTo: loop.address)) }
        case .didReceive:
            for peer in stage.peers { peer.writeAll(frame("a") + frame("b") + frame("c")) }
        case .didDrain:
            for connection in recorder.connections {
                while try connection.send(pattern(4000)) == .accepted {}
            }
            loop.settle()
            for peer in stage.peers { peer.readAll() }
        case .didFinishReceiving:
            for peer in stage.peers { peer.finishWriting() }
        case .didClose:
            for peer in stage.peers {
                // Closing alone is not noticed while a child that another test has just started has the descriptor,
                // too.
                peer.finishWriting()
                peer.close()
            }
        case .serverDidStop:
            stage.server?.stop()
        }
    }
}

enum Action: CaseIterable {
    case closeThis, abortThis, closeAnother, abortAnother, closeAll, abortAll, stop, stopDraining, stopTwice
    case sendHere, sendToAClosedOne, pauseAndResume, pauseAnother, startAnotherServer, broadcast, dropTheServer
    case stopTheReactor

    func perform(on stage: Stage, _ connection: PipeConnection?) {
        switch self {
        case .closeThis: connection?.close()
        case .abortThis: connection?.abort()
        case .closeAnother: stage.other?.close()
        case .abortAnother: stage.other?.abort()
        case .closeAll: stage.server?.connections.forEach { $0.close() }
        case .abortAll: stage.server?.connections.forEach { $0.abort() }
        case .stop: stage.server?.stop()
        case .stopDraining: stage.server?.stop(gracePeriod: .milliseconds(50))
        case .stopTwice:
            stage.server?.stop(gracePeriod: .seconds(60))
            stage.server?.stop()
            stage.server?.stop()
        case .sendHere: _ = try? connection?.send("from inside")
        case .sendToAClosedOne: sendToAClosedOne(stage)
        case .pauseAndResume:
            connection?.pauseReceiving()
            connection?.resumeReceiving()
        case .pauseAnother: stage.other?.pauseReceiving()
        case .startAnotherServer: stage.second = try? stage.loop.server(at: .unique(prefix: "second"))
        case .broadcast: stage.outcome = try? stage.server?.broadcast("to all")
        case .dropTheServer: stage.server = nil
        case .stopTheReactor: stage.loop.reactor.stop()
        }
    }

    private func sendToAClosedOne(_ stage: Stage) {
        guard let other = stage.other else { return }
        other.abort()
        do throws(PipeError) { try other.send("nobody") } catch { stage.refusal = error }
    }

    func verify(on stage: Stage) throws {
        let recorder = stage.recorder
        switch self {
        case .closeThis, .abortThis:
            guard let current = stage.current else { return }
            #expect(recorder.reasonsByConnection[current.id] != nil)
            // Of the three messages that came together, those behind the close are not delivered.
            if recorder.messageCount > 0 { #expect(recorder.messagesByConnection[current.id]?.count == 1) }
        case .abortAnother, .closeAnother:
            break
        case .abortAll, .closeAll:
            #expect(recorder.messageCount <= stage.messageCount)
        case .stop, .stopTwice:
            #expect(recorder.stopCount == 1)
            #expect(recorder.messageCount == stage.messageCount)
        case .stopDraining:
            #expect(stage.loop.run { recorder.stopCount == 1 })
            if stage.messageCount > 0 { #expect(recorder.messageCount == 9) }
        case .sendToAClosedOne:
            if stage.refusal != nil { #expect(stage.refusal == .notConnected(.ended)) }
        case .pauseAndResume:
            if stage.messageCount > 0 { #expect(recorder.messageCount == 9) }
        case .startAnotherServer:
            let second = try #require(stage.second)
            let peer = try RawPeer(connectingTo: second.server.address)
            peer.writeAll(frame("hello"))
            #expect(stage.loop.run { second.recorder.texts == ["hello"] })
        case .broadcast, .sendHere, .pauseAnother, .dropTheServer:
            break
        case .stopTheReactor:
            #expect(stage.loop.reactor.isStopped)
        }
    }
}

@Suite struct `47 Inside any callback of a client` {
    enum Moment: CaseIterable {
        case didChangeState, didFailToConnect, didOpen, didReceive, didFinish, didClose, didDrain
    }

    enum Action: CaseIterable {
        case connect, disconnect, disconnectTwice, close, abort, send, pauseAndResume, anotherClient, drop,
            stopTheReactor
    }

    @Test(arguments: Moment.allCases, Action.allCases)
    func `anything may be done`(moment: Moment, action: Action) throws {
        try withLoop { loop in
            let recorder = loop.recorder()
            var configuration = PipeClient.Configuration()
            configuration.connection.highWaterMark = 10_000
            configuration.connection.lowWaterMark = 1000
            var client: PipeClient? = PipeClient(
                address: loop.address, configuration: configuration, reactor: loop.reactor, delegate: recorder)
            var another: Recorder?
            var count = 0
            let perform = {
                count += 1
                guard count == 1 else { return }
                switch action {
                case .connect: client?.connect()
                case .disconnect: client?.disconnect()
                case .disconnectTwice: (client?.disconnect(), client?.disconnect()).1
                case .close: client?.connection?.close()
                case .abort: client?.connection?.abort()
                case .send: _ = try? client?.send("from inside")
                case .pauseAndResume:
                    client?.connection?.pauseReceiving()
                    client?.connection?.resumeReceiving()
                case .anotherClient: another = loop.client().1
                case .drop: client = nil
                case .stopTheReactor: loop.reactor.stop()
                }
            }
            recorder.whenChanged = { _, state in
                if moment == .didChangeState, state != .connecting { perform() }
            }
            recorder.whenFailed = { _, _ in if moment == .didFailToConnect { perform() } }
            recorder.whenOpened = { _ in if moment == .didOpen { perform() } }
            recorder.whenReceived = { _, _ in if moment == .didReceive { perform() } }
            recorder.whenFinished = { connection in
                if moment == .didFinish { perform() }
                connection.close()
            }
            recorder.whenClosed = { _, _ in if moment == .didClose { perform() } }
            recorder.whenDrained = { _ in if moment == .didDrain { perform() } }

            let listener = moment == .didFailToConnect ? nil : try RawListener(at: loop.address)
            client?.connect()
            loop.settle()
            let peer = listener?.accept()
            if moment == .didDrain, let connection = client?.connection {
                while try connection.send(pattern(4000)) == .accepted {}
                loop.settle()
                peer?.readAll()
                loop.settle()
            }
            if moment == .didReceive { peer?.writeAll(frame("a") + frame("b")) }
            loop.settle()
            if moment == .didFinish || moment == .didClose { peer?.close() }
            loop.settle()
            #expect(count > 0)
            #expect(recorder.reasons.count + recorder.connections.count == recorder.openCount)
            if action == .disconnect || action == .disconnectTwice {
                #expect(recorder.states.last == .disconnected)
                #expect(client?.state == .disconnected)
            }
            if let another { #expect(another.openCount + another.failures.count == 1) }
        }
    }
}
