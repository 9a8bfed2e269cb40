// SPDX-License-Identifier: Apache-2.0
import NamedPipes
@testable import NamedPipesRPC
import NamedPipesTesting
import PipeReactor
import PipeTestSupport
import Synchronization
import Testing

/// What a tap has reported, from any thread.
private final class Reports: Sendable {
    private let content = Mutex<[TapReport]>([])

    var messages: [TapReport.Message] { content.withLock { $0.flatMap(\.messages) } }
    var lostCount: Int { content.withLock { $0.reduce(0) { $0 + $1.lost } } }

    func add(_ report: TapReport) { content.withLock { $0.append(report) } }
}

@Suite(.timeLimit(.minutes(5))) struct `A tap beside a server's name` {
    private struct Enough: Error {}

    /// Watches a server while a function runs, which begins once the tap has.
    private func watching(
        _ address: PipeAddress, _ question: TapQuestion = TapQuestion(),
        _ body: @escaping @Sendable (Reports) async throws -> Void
    ) async throws {
        let (reports, begun) = (Reports(), Gate())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await answer {
                    try await StatisticsEndpoint.tap(beside: address, question, timeout: .seconds(600)) {
                        reports.add($0)
                        begun.open()
                    }
                }
            }
            group.addTask {
                await begun.pass()
                try Task.checkCancellation()
                try await body(reports)
                throw Enough()
            }
            defer { group.cancelAll() }
            do { try await group.next() } catch is Enough {}
        }
    }

    /// Sends messages and reads the answers.
    private func exchange(
        _ messages: [[UInt8]], with address: PipeAddress,
        then body: @escaping @Sendable (AsyncPipeConnection) async throws -> Void = { _ in }
    ) async throws {
        try await PipeClient.withConnection(to: address) { connection in
            for message in messages {
                try await connection.send(message)
                let reply = try await connection.nextMessage()
                #expect(reply?.withBytes { Array(lent: $0) } == message)
            }
            try await body(connection)
        }
    }

    private func areSeen(_ count: Int, _ reports: Reports) async -> Bool {
        await eventually { reports.messages.count >= count }
    }

    @Test(arguments: [1, 2]) func `reports what goes by, of a server and of every worker`(reactors: Int) async throws {
        try await withOfferingServer(reactors: reactors, offering: .tap) { address in
            try await watching(address) { reports in
                let odd = Array("\u{1}\"\\\n/é\u{7F}".utf8)
                let messages = [Array("hello".utf8), [], odd, [0xFF, 0x00], [0xFF], [0xFF, 0xFE, 0xFD]]
                // Several clients, so that a pool deals them to all of its workers.
                for _ in 0..<4 { try await exchange(messages, with: address) }
                #expect(await areSeen(48, reports))
                let seen = reports.messages
                #expect(seen.map(\.sequence) == (0..<48).map(\.self) && reports.lostCount == 0)
                #expect(seen.allSatisfy { $0.userID == seen[0].userID && $0.processID == seen[0].processID })
                #expect(seen[0].processID.map { $0 > 0 } == true && seen[0].time > 1_700_000_000_000_000)
                #expect(seen.allSatisfy { $0.connection.contains("/") == (reactors > 1) })
                let byConnection = Dictionary(grouping: seen, by: \.connection)
                #expect(byConnection.count == 4)
                for seen in byConnection.values {
                    #expect(
                        seen.map(\.direction) == Array(repeating: [.toServer, .toClient], count: 6).flatMap(\.self))
                    let texts: [String?] = ["hello", nil, String(decoding: odd, as: UTF8.self), nil, nil, nil]
                    #expect(seen.map(\.text) == texts.flatMap { [$0, $0] })
                    let encoded: [String?] = [nil, nil, nil, "/wA=", "/w==", "//79"]
                    #expect(seen.map(\.base64) == encoded.flatMap { [$0, $0] })
                    #expect(seen.map(\.size) == messages.flatMap { [$0.count, $0.count] })
                }
                if reactors > 1 {
                    #expect(Set(seen.map { $0.connection.split(separator: "/").first }).count == 2)
                }
            }
        }
    }

    @Test(arguments: [1, 2]) func `reports one connection, one direction, and the first bytes`(
        reactors: Int
    ) async throws {
        try await withOfferingServer(reactors: reactors, offering: .tap) { address in
            try await exchange([], with: address) { one in
                let list = try await answer({ $0.totalCount == 1 }) {
                    try await StatisticsEndpoint.connections(beside: address, timeout: .seconds(600))
                }
                try await exchange([], with: address) { other in
                    var question = TapQuestion()
                    question.connection = list.connections[0].id
                    question.direction = .toServer
                    question.contentLimit = 3
                    try await watching(address, question) { [question] reports in
                        for text in ["aé", "abé", "abcé"] {
                            for connection in [other, one] {
                                try await connection.send(text)
                                _ = try await connection.nextMessage()
                            }
                        }
                        #expect(await areSeen(3, reports))
                        let seen = reports.messages
                        // A character that is cut is left out.
                        #expect(seen.map(\.text) == ["aé", "ab", "abc"] && seen.map(\.size) == [3, 4, 5])
                        #expect(seen.allSatisfy { $0.connection == question.connection && $0.direction == .toServer })
                    }
                }
            }
        }
    }

    @Test func `has to be offered, and to be possible`() async throws {
        try await withOfferingServer(reactors: 1, offering: .kick) { address in
            let error = await #expect(throws: JSONRPCError.self) { try await watching(address) { _ in } }
            #expect(error?.code == .methodNotFound)
        }
        try await withOfferingServer(reactors: 2, offering: [.tap, .kick]) { address in
            for (connection, limit) in [("9/9.9", nil), ("nothing", nil), (nil, -1), (nil, 1 << 20)]
                as [(String?, Int?)]
            {
                var question = TapQuestion()
                question.connection = connection
                question.contentLimit = limit
                let error = await #expect(throws: JSONRPCError.self) { try await watching(address, question) { _ in } }
                #expect(error?.code == .invalidParams)
            }
        }
    }

    @Test(arguments: [1, 2]) func `ends with its client, however that ends`(reactors: Int) async throws {
        try await withOfferingServer(reactors: reactors, offering: .tap) { address in
            try await watching(address) { reports in
                // Far more than a server takes at a time.
                for index in 0..<UInt8(4 * PipeServer.maximumTapCount) {
                    let peer = try await begun(address)
                    try await exchange([[index]], with: address)
                    peer.close()
                }
                #expect(await areSeen(8 * PipeServer.maximumTapCount, reports))
            }
        }
    }

    /// Nothing cancels a notification when its connection ends.
    @Test(arguments: [1, 2]) func `of a client that wants no reply ends with its client, though nothing goes by`(
        reactors: Int
    ) async throws {
        try await withOfferingServer(reactors: reactors, offering: .tap) { address in
            try await watching(address) { _ in }
            for _ in 0..<PipeServer.maximumTapCount {
                // Of a process that has no connection.
                try await asked(#"{"jsonrpc":"2.0","method":"tap","params":{"processID":1}}"#, at: address).close()
            }
            // Makes room, after a while.
            try await begun(address).close()
        }
    }

    /// A tap of a client that is a plain socket, from which nothing but the first report is read. Taps that have ended
    /// make room after a while.
    private func begun(_ address: PipeAddress) async throws -> RawPeer {
        while true {
            let peer = try await asked(#"{"jsonrpc":"2.0","id":1,"method":"tap"}"#, at: address)
            if !peer.received.contains(subsequence: "taps already") { return peer }
        }
    }

    /// A plain socket that has sent a line and received one.
    private func asked(_ line: String, at address: PipeAddress) async throws -> RawPeer {
        let peer = try RawPeer(connectingTo: try StatisticsEndpoint.address(beside: address))
        peer.writeAll(Array("\(line)\n".utf8))
        let isAnswered = await eventually {
            peer.readAll()
            return peer.received.contains(10)
        }
        try #require(isAnswered)
        return peer
    }

    @Test func `of a client that does not read loses messages, and no client of the server waits`() async throws {
        try await withOfferingServer(reactors: 1, offering: .tap) { address in
            try await watching(address) { _ in }
            let peer = try await begun(address)
            // Far more than a tap, its connection and the kernel keep.
            let (count, size) = (200, 100_000)
            try await exchange(Array(repeating: letters(size), count: count), with: address)
            var seen: [UInt64] = []
            var lostCount = 0
            var readCount = 0
            // Everything is either reported or counted.
            let isComplete = try await eventually {
                peer.readAll()
                for report in try reports(in: peer.received, behind: &readCount) {
                    seen += report.messages.map(\.sequence)
                    lostCount += report.lost
                }
                return seen.count + lostCount == 2 * count
            }
            #expect(isComplete && lostCount > count && seen.count > 3)
            #expect(seen.first == 0 && seen == Array(Set(seen)).sorted())
        }
    }

    @Test(arguments: [1, 2]) func `says that the server has stopped`(reactors: Int) async throws {
        try await withStoppableServer(reactors: reactors, offering: .tap) { server in
            let error = await #expect(throws: JSONRPCError.self) {
                try await watching(server.address) { _ in
                    await server.stop()
                    await Gate().pass()
                }
            }
            #expect(error?.message == "the server has stopped")
        }
    }

    @Test func `throws what its function throws`() async throws {
        try await withOfferingServer(reactors: 1, offering: .tap) { address in
            let calls = Count()
            await #expect(throws: Enough.self) {
                try await answer {
                    try await StatisticsEndpoint.tap(beside: address, timeout: .seconds(600)) { _ in
                        calls.add()
                        throw Enough()
                    }
                }
            }
            #expect(calls.value == 1)
        }
    }

    @Test func `is never idle, unlike other connections`() throws {
        let network = try MemoryNetwork()
        let server = try network.makeServer(at: "quiet", delegate: RecordingDelegate())
        let address = try PipeAddress.abstract("quiet-\(UInt64.random(in: .min ... .max))")
        let reference = server.reference
        let task = Task(executorPreference: network.reactor.executor) {
            try await StatisticsEndpoint.serve(reference, beside: address, offering: .tap)
        }
        network.settle()
        let beside = try StatisticsEndpoint.address(beside: address)
        let peers = try ["tap", "connections"].map { method in
            let peer = try RawPeer(connectingTo: beside)
            peer.writeAll(Array("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\(method)\"}\n".utf8))
            return peer
        }
        let areAnswered = network.reactor.run(timeout: .seconds(600)) {
            for peer in peers { peer.readAll() }
            return peers.allSatisfy { $0.received.contains(10) }
        }
        try #require(areAnswered)
        network.clock.advance(by: .seconds(300))
        for peer in peers { peer.readAll() }
        #expect(peers.map(\.isAtEnd) == [false, true])
        task.cancel()
        network.settle()
    }
}

extension [UInt8] {
    fileprivate func contains(subsequence text: String) -> Bool { firstRange(of: Array(text.utf8)) != nil }
}

/// The reports in the complete lines of a stream.
///
/// - Parameter count: the number of bytes that were looked at before, and of those that are now.
private func reports(in stream: [UInt8], behind count: inout Int) throws -> [TapReport] {
    struct Notification: Decodable {
        var params: TapReport
    }
    guard let end = stream[count...].lastIndex(of: 10) else { return [] }
    let lines = stream[count..<end].split(separator: 10)
    count = end + 1
    return try lines.map { try JSONText(Array($0)).decode(as: Notification.self).params }
}
