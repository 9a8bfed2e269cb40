// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport

/// The events of one round of the stress, all decided by the seed.
struct StressPlan: CustomStringConvertible, Sendable {
    enum Ending: CaseIterable {
        /// The server sends everything, finishes, and takes everything that it is sent.
        case peerFinishes
        case peerAborts, peerLeaves, ownClose, ownAbort, stop, gracefulStop
    }

    /// How messages are received.
    enum Manner: CaseIterable {
        case iterating, oneByOne, inBatches
    }

    struct Participant {
        let place: Place
        /// After this many steps, if at all.
        let cancelledAfter: Int?
        let manner: Manner
        let seed: UInt64
    }

    let seed: UInt64
    let ending: Ending
    /// After how many of its steps the end is made that comes from the client's side or from the server itself.
    let endsAfter: Int
    let messageCount: Int
    let messageByteCount: Int
    let serverManner: Manner
    let consumers: [Participant]
    let senders: [Participant]
    let server: PipeServer.Configuration
    let client: PipeClient.Configuration

    init(_ seed: UInt64) {
        var random = Seeded(seed)
        self.seed = seed
        ending = Ending.allCases[Int(seed) % Ending.allCases.count]
        endsAfter = random.number(0...40)
        messageCount = random.number(0...120)
        messageByteCount = random.pick([4, 100, 5_000, 20_000])
        serverManner = random.pick(Manner.allCases)
        consumers = Self.participants(random.number(0...5), &random)
        senders = Self.participants(random.number(0...4), &random)
        var connection = PipeConnection.Configuration()
        connection.unreadByteLimit = random.pick([1, 4_000, 60_000, 256 << 10])
        connection.highWaterMark = random.pick([1_000, 50_000, 1 << 20])
        connection.lowWaterMark = connection.highWaterMark / 2
        var server = PipeServer.Configuration()
        server.connection = connection
        self.server = server
        var client = PipeClient.Configuration()
        client.connection = connection
        client.connection.pausesReceivingAboveHighWaterMark = false
        self.client = client
    }

    private static func participants(_ count: Int, _ random: inout Seeded) -> [Participant] {
        (0..<count).map { _ in
            Participant(
                place: random.pick(Place.allCases), cancelledAfter: random.pick([nil, nil, random.number(0...30)]),
                manner: random.pick(Manner.allCases), seed: random.next())
        }
    }

    var description: String {
        "seed \(seed): \(ending), \(messageCount) messages of \(messageByteCount) bytes, \(consumers), \(senders)"
    }
}

extension Seeded {
    /// Lets others run, as often as the seed says.
    mutating func letOthersRun() async {
        for _ in 0..<number(0...3) { await Task.yield() }
    }
}
