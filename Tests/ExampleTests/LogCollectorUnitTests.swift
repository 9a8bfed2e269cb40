// SPDX-License-Identifier: Apache-2.0
#if Service
import Foundation
import NamedPipes
import Testing

struct LogCollectorUnitTests {
    private let stage: Stage

    init() throws { stage = try Stage() }

    private var reactor: Reactor { stage.reactor }
    private var address: PipeAddress { stage.address }

    private let program = Example.path("LogCollector")

    /// The unit files as they are installed.
    private func unit(_ name: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(
            contentsOf: root.appending(path: "Sources/Examples/LogCollector/systemd/\(name)"), encoding: .utf8)
    }

    /// Copies of them that start the program where it was built.
    private func copyUnits() throws -> [String] {
        try ["log-collector.service", "log-collector.socket"].map { name in
            let copy = URL(filePath: "\(address)").deletingLastPathComponent().appending(path: name)
            let text = try unit(name).replacingOccurrences(of: "/usr/local/bin/LogCollector", with: program)
            try Data(text.utf8).write(to: copy)
            return copy.path
        }
    }

    /// Section, key and value of each line; an empty value is a value, too.
    private func settings(_ name: String) throws -> [String: [String]] {
        var settings: [String: [String]] = [:]
        var section = ""
        for line in try unit(name).split(separator: "\n") where !line.hasPrefix("#") {
            if line.hasPrefix("[") {
                section = String(line.dropFirst().dropLast())
            } else {
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                try #require(parts.count == 2, "\(line)")
                settings["\(section).\(parts[0])", default: []].append(String(parts[1]))
            }
        }
        return settings
    }

    /// Whether a socket listens at the address. Its file is there a moment earlier, from bind(2) on.
    private func isListening() -> Bool {
        // Names of other programs need not be UTF-8.
        let sockets = String(
            decoding: (try? Data(contentsOf: URL(filePath: "/proc/net/unix"))) ?? Data(), as: UTF8.self)
        // SO_ACCEPTCON is the flag 0x10000: proc_net(5).
        return sockets.split(separator: "\n").contains { $0.hasSuffix(" \(address)") && $0.contains(" 00010000 ") }
    }

    @Test func `the units fit together`() throws {
        let service = try settings("log-collector.service")
        let socket = try settings("log-collector.socket")
        #expect(service["Unit.Requires"] == ["log-collector.socket"])
        #expect(service["Install.Also"] == ["log-collector.socket"])
        let command = try #require(service["Service.ExecStart"]?.first).split(separator: " ")
        #expect(command.count == 3)
        #expect(command.first?.hasSuffix("/LogCollector") == true)
        #expect(socket["Socket.ListenStream"] == [String(command[1])])
        #expect(service["Service.Type"] == ["notify"])
        // The names are those of the service, as `%L` and `LogsDirectory=` define them.
        #expect(command[2].hasPrefix("%L/\(service["Service.LogsDirectory"]?.first ?? "?")/"))
    }

    @Test(.requires("systemd-analyze")) func `systemd accepts the units`() throws {
        let verification = try Example(command: ["systemd-analyze", "verify"] + copyUnits(), on: reactor)
        #expect(try verification.exitStatus() == 0)
    }

    /// 4 of 100 at present; another version of systemd may rate things differently.
    @Test(.requires("systemd-analyze")) func `systemd rates the service as well confined`() throws {
        let units = try copyUnits()
        let analysis = try Example(
            command: ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=10", units[0]],
            on: reactor)
        #expect(try analysis.exitStatus() == 0)
    }

    @Test(.requires("systemd-socket-activate")) func `it serves the socket that it is started with`() throws {
        let file = "\(address).log"
        let collector = try Example(
            command: ["systemd-socket-activate", "--listen=\(address)", program, "unused", file], on: reactor)
        // The socket exists before the program: its first client starts the program.
        let ticks = reactor.schedule(after: .zero, repeating: .milliseconds(1)) {}
        #expect(reactor.run(timeout: .seconds(30)) { isListening() })
        ticks.cancel()
        let visitor = try Visitor(to: address, on: reactor, framing: DelimiterFraming.newline)
        try visitor.send("from before the start")
        visitor.connection?.finishSending()
        #expect(try visitor.reasonOfEnd() == .closedByPeer)
        #expect(collector.lines.contains("listening on \(address)"))
        collector.signal(SIGTERM)
        #expect(try collector.exitStatus() == 0)
        #expect(try String(contentsOfFile: file, encoding: .utf8).hasSuffix("from before the start\n"))
        // The socket file belongs to the manager.
        #expect(FileManager.default.fileExists(atPath: "\(address)"))
    }
}
#endif
