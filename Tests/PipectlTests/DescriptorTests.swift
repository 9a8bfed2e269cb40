// SPDX-License-Identifier: Apache-2.0
import Foundation
import NamedPipes
import Testing

@Suite(.timeLimit(.minutes(5)))
struct `pipectl send --descriptor` {
    let reactor: Reactor
    let name = freshName()

    init() throws { reactor = try Reactor() }

    @Test func `passes files with the first message`() throws {
        var configuration = PipeServer.Configuration()
        configuration.connection.framing = DescriptorFraming()
        configuration.connection.descriptors = .accepted()
        let reader = FileReader()
        let server = try PipeServer(
            listeningOn: PipeAddress(parsing: name), configuration: configuration, reactor: reactor, delegate: reader)
        let file = FileManager.default.temporaryDirectory.appending(path: "pipectl-\(UUID().uuidString)")
        try Data("inside".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let sent = try run(
            reactor, "send", name, "--framing", "descriptors", "--descriptor", file.path(), "--descriptor", "/dev/null",
            "first", "second")
        #expect(sent.status == 0)
        #expect(sent.lines == [])
        #expect(reactor.run(timeout: .seconds(60)) { reader.messages.count == 2 })
        #expect(reader.messages == ["first", "second"])
        #expect(reader.kinds == [.file, .characterDevice])
        #expect(reader.texts == ["inside", ""])
        server.stop()
        reactor.stop()
        reactor.run()
    }

    @Test func `names a file that it cannot open, and the framing that it needs`() throws {
        let missing = try run(
            reactor, "send", name, "--framing", "descriptors", "--descriptor", "/nowhere", "x")
        #expect(missing.status == 1)
        #expect(missing.lines.first?.contains("cannot open /nowhere") == true)
        let framing = try run(reactor, "send", name, "--descriptor", "/dev/null", "x")
        #expect(framing.status == 2)
        #expect(framing.lines.contains { $0.contains("--framing descriptors") })
    }
}

private final class FileReader: PipeServerDelegate {
    private(set) var messages: [String] = []
    private(set) var kinds: [DescriptorKind] = []
    private(set) var texts: [String] = []

    func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {
        messages.append(String(decoding: [UInt8](copying: message), as: UTF8.self))
    }

    func connection(
        _ connection: PipeConnection, didReceive message: Span<UInt8>, descriptors: inout ReceivedDescriptors
    ) {
        while let next = descriptors.takeFirst() {
            kinds.append(next.kind)
            let file = FileHandle(fileDescriptor: next.release(), closeOnDealloc: true)
            texts.append(String(decoding: (try? file.readToEnd()).flatMap { $0 } ?? Data(), as: UTF8.self))
        }
        self.connection(connection, didReceive: message)
    }
}
