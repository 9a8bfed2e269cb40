// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport
import Testing

@Suite struct `Descriptors for tasks` {
    private static var configuration: PipeConnection.Configuration {
        var configuration = PipeConnection.Configuration()
        configuration.framing = DescriptorFraming()
        configuration.descriptors = .accepted(perMessage: 2, perConnection: 4)
        return configuration
    }

    /// More messages than may be in flight, at a handler that takes them one by one.
    @Test func `come with their messages, and a fast sender waits for a slow handler`() async throws {
        var server = PipeServer.Configuration()
        server.connection = Self.configuration
        var client = PipeClient.Configuration()
        client.connection = Self.configuration
        let count = 20
        let (_, _) = try await Serving.run(server) { connection in
            for try await message in connection.messages {
                var outgoing = OutgoingDescriptors()
                var descriptors = message.takeDescriptors()
                #expect(message.descriptorCount == 0)
                outgoing.append(allOf: &descriptors)
                try await connection.send([UInt8](copying: message), descriptors: &outgoing)
            }
        } while: { [client] serving in
            try await PipeClient.withConnection(to: serving.address, configuration: client) { connection in
                let file = try NamelessFile("file")
                for number in 0..<count {
                    var outgoing = OutgoingDescriptors()
                    for _ in 0..<(1 + number % 2) { try outgoing.append(duplicating: file.descriptor) }
                    try await connection.send([UInt8(number)], descriptors: &outgoing)
                    let left = outgoing.count
                    #expect(left == 0)
                }
                for number in 0..<count {
                    let reply = try #require(try await connection.nextMessage())
                    #expect([UInt8](copying: reply) == [UInt8(number)])
                    var descriptors = reply.takeDescriptors()
                    let received = descriptors.count
                    #expect(received == 1 + number % 2)
                    while let next = descriptors.takeFirst() {
                        #expect(NamelessFile.inode(of: next.rawValue) == file.inode)
                    }
                }
            }
        }
    }

    @Test func `are left to a task whose message is refused`() async throws {
        let (_, _) = try await Serving.run { _ in
        } while: { serving in
            try await PipeClient.withConnection(to: serving.address) { connection in
                var outgoing = OutgoingDescriptors()
                try outgoing.append(duplicating: 2)
                do {
                    try await connection.send([1], descriptors: &outgoing)
                    Issue.record("sent with a framing that announces nothing")
                } catch let error as PipeError {
                    #expect(error == .descriptorsNotSent(.framingCannotAnnounce))
                }
                let left = outgoing.count
                #expect(left == 1)
            }
        }
    }
}
