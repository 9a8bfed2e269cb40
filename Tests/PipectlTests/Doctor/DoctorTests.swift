// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import NamedPipes
import Testing

@testable import pipectl

@Suite(.timeLimit(.minutes(5)))
struct DoctorTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    private struct Report: Decodable {
        struct Check: Decodable {
            let name: String
            let isPassed: Bool
            let finding: String
            let remedy: String?
        }
        let isReachable: Bool
        let checks: [Check]
    }

    private func examine(_ arguments: String...) throws -> (status: Int32?, report: Report) {
        let tool = try Tool(reactor, ["doctor", "--json"] + arguments, errors: .dropped)
        let status = tool.waitForExit()
        return (status, try JSONDecoder().decode(Report.self, from: Data(tool.output)))
    }

    /// The check that failed, which is the last one.
    private func failure(_ arguments: String...) throws -> Report.Check {
        let tool = try Tool(reactor, ["doctor", "--json"] + arguments, errors: .dropped)
        #expect(tool.waitForExit() == 1)
        let report = try JSONDecoder().decode(Report.self, from: Data(tool.output))
        #expect(!report.isReachable)
        #expect(report.checks.dropLast().allSatisfy { $0.isPassed && $0.remedy == nil })
        let check = try #require(report.checks.last)
        #expect(!check.isPassed && check.remedy?.isEmpty == false)
        return check
    }

    @Test func `a server that can be reached passes every check`() throws {
        let directory = try Directory()
        let path = directory.path + "/socket"
        let server = try serve(reactor, "echo", path)
        let (status, report) = try examine(path)
        #expect(status == 0 && report.isReachable && report.checks.allSatisfy(\.isPassed))
        #expect(
            report.checks.map(\.name)
                == ["directories", "file", "permission", "listener", "queue", "connection", "admission"])
        let text = try run(reactor, "doctor", path)
        #expect(text.lines.count == 8 && text.lines.dropFirst().allSatisfy { $0.hasPrefix("  ok    ") })
        server.terminate()
        #expect(server.waitForExit() == 0)
    }

    @Test func `the path is examined from the root down`() throws {
        let directory = try Directory()
        let file = directory.path + "/file"
        try "text".write(toFile: file, atomically: false, encoding: .utf8)
        #expect(
            try failure(directory.path + "/none/socket").finding == "\(directory.path)/none: No such file or directory")
        #expect(try failure(file + "/socket").finding == "\(file) is not a directory")
        #expect(try failure(file).finding == "it is a regular file, not a socket")
        #expect(try failure(directory.path + "/socket").finding == "there is none at this name")
        #expect(try failure("fifo:" + file).finding == "it is a regular file, not a FIFO")
        #expect(unsafe symlink(directory.path + "/none", directory.path + "/link") == 0)
        #expect(try failure(directory.path + "/link").finding == "a symbolic link that leads nowhere")
    }

    @Test func `a symbolic link is followed to its server, and to the lock of a dead one`() throws {
        let directory = try Directory()
        let (path, link) = (directory.path + "/socket", directory.path + "/link")
        #expect(unsafe symlink(path, link) == 0)
        let server = try serve(reactor, "echo", path)
        let (status, report) = try examine(link)
        #expect(status == 0)
        #expect(report.checks.first { $0.name == "listener" }?.finding.hasPrefix("pipectl, process ") == true)
        #expect(try run(reactor, "stat", link).lines.contains { $0.contains("mode 1600") })
        server.suspend()
        #expect(try failure(link).name == "process")
        server.signal(SIGKILL)
        #expect(server.waitForExit() == 128 + SIGKILL)
        try "\(getpid())\n".write(toFile: directory.path + "/.socket.lock", atomically: false, encoding: .utf8)
        let dead = try failure(link)
        #expect(dead.name == "listener" && dead.remedy?.hasPrefix("process \(getpid()) has the name's lock") == true)
    }

    @Test func `a server that was stopped is noticed, though the kernel connects`() throws {
        let server = try serve(reactor, "echo", name)
        server.suspend()
        let check = try failure(name)
        #expect(check.name == "process" && check.finding.hasSuffix(" is stopped"))
        #expect(check.remedy?.contains("kill -CONT ") == true)
        server.signal(SIGCONT)
        #expect(try examine(name).status == 0)
    }

    @Test func `a misspelt name is suggested`() throws {
        let server = try serve(reactor, "echo", name)
        let check = try failure(name + "x")
        #expect(check.name == "listener" && check.remedy?.hasSuffix("Did you mean '\(name)'?") == true)
        _ = server
    }

    @Test func `a name that a dead server has left is told from one whose socket was removed`() throws {
        let directory = try Directory()
        let path = directory.path + "/socket"
        let server = try serve(reactor, "echo", path)
        server.signal(SIGKILL)
        #expect(server.waitForExit() == 128 + SIGKILL)
        let stale = try failure(path)
        #expect(stale.name == "listener" && stale.finding == "no process listens at this name")
        #expect(unsafe unlink(path) == 0)
        try "\(getpid())\n".write(toFile: directory.path + "/.socket.lock", atomically: false, encoding: .utf8)
        let removed = try failure(path)
        #expect(removed.name == "file" && removed.remedy?.hasPrefix("process \(getpid()) has the name") == true)
    }

    @Test func `a full queue and a socket of another kind are named`() throws {
        let directory = try Directory()
        let full = try Listening(at: directory.path + "/full", SOCK_STREAM)
        let check = try failure(full.path)
        #expect(check.name == "queue" && check.finding == "1 waiting to be accepted, of 0 that may")
        let packets = try Listening(at: directory.path + "/packets", SOCK_SEQPACKET)
        #expect(try failure(packets.path).finding == "a socket of another type than SOCK_STREAM")
    }

    @Test func `a server that refuses this user is noticed`() throws {
        var configuration = PipeServer.Configuration()
        configuration.accessPolicy = .users([])
        let server = try PipeServer(
            listeningOn: .init(parsing: name), configuration: configuration, reactor: reactor, delegate: Greeting())
        let check = try failure(name, "--watch", "2m")
        #expect(check.name == "admission")
        server.stop()
        let friendly = freshName()
        let greeting = try PipeServer(listeningOn: .init(parsing: friendly), reactor: reactor, delegate: Greeting())
        #expect(try examine(friendly, "--watch", "2m").status == 0)
        greeting.stop()
    }

    @Test func `another user is told what it may not do`() throws {
        let (open, shut) = (try Directory(mode: 0o755), try Directory())
        let server = try serve(reactor, "echo", open.path + "/socket")
        let file = try toolOfAnotherUser(reactor, ["doctor", open.path + "/socket"])
        #expect(file.waitForExit() == 1)
        #expect(file.text.contains("FAIL  permission   user 12345 may not write to it"), "\(file.text)")
        #expect(file.lines.allSatisfy { $0.count <= 80 })
        let directory = try toolOfAnotherUser(reactor, ["doctor", shut.path + "/socket"])
        #expect(directory.waitForExit() == 1)
        #expect(directory.text.contains("FAIL  directories  \(shut.path) may not be searched by user 12345"))
        _ = server
    }

    @Test func `a FIFO needs a reader`() throws {
        let directory = try Directory()
        let path = directory.path + "/fifo"
        #expect(unsafe mkfifo(path, 0o600) == 0)
        #expect(try failure("fifo:" + path).finding == "no process reads")
        #expect(try failure(path).finding == "it is a FIFO, not a socket")
        let descriptor = unsafe open(path, O_RDONLY | O_NONBLOCK)
        #expect(try examine("fifo:" + path).status == 0)
        close(descriptor)
    }

    /// A socket whose queue takes one client, which is there.
    private final class Listening {
        let path: String
        private let descriptors: [Int32]

        init(at path: String, _ type: __socket_type) throws {
            self.path = path
            descriptors = (0..<2).map { _ in socket(AF_UNIX, Int32(type.rawValue), 0) }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
            let size = socklen_t(MemoryLayout<sockaddr_un>.size)
            let results = unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    let bound = unsafe bind(descriptors[0], $0, size)
                    guard type == SOCK_STREAM else { return [bound, listen(descriptors[0], 5)] }
                    return unsafe [bound, listen(descriptors[0], 0), connect(descriptors[1], $0, size)]
                }
            }
            try #require(results.allSatisfy { $0 == 0 })
        }

        deinit { for descriptor in descriptors { close(descriptor) } }
    }

    private final class Greeting: PipeServerDelegate {
        func connectionDidOpen(_ connection: PipeConnection) {
            #expect(throws: Never.self) { try connection.send("welcome") }
        }

        func connection(_ connection: PipeConnection, didReceive message: Span<UInt8>) {}
    }
}
