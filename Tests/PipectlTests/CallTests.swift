// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import Testing

@Suite(.timeLimit(.minutes(5)))
struct CallTests: StagedSuite {
    let stage: Stage

    init() throws { stage = try Stage() }

    /// Runs the tool, once in a test, against a server on the same reactor that ends with the stage.
    private func call(_ arguments: String..., offersDiscovery: Bool = false) throws -> (lines: [String], status: Int32?)
    {
        var methods = JSONRPCMethods()
        methods.handle("add") { (numbers: [Int], _) in numbers.reduce(0, +) }
        methods.handle("greet") { (name: [String], _) in "\u{1B}[31m\(name.joined())\u{202E}" }
        methods.handle("fail") { (_: [Int], _) -> Int in throw JSONRPCError(.init(rawValue: 42), "no\u{1B}way") }
        if offersDiscovery { methods.offerDiscovery(title: "test", version: "1") }
        let (executor, address) = (reactor.executor, try PipeAddress(parsing: name))
        let server = Task(executorPreference: executor) { [methods] in
            try await PipeServer.serve(at: address, on: executor) { connection in
                try await JSONRPCPeer.serve(connection, methods: methods)
            }
        }
        defer { server.cancel() }
        let tool = try Tool(reactor, ["call", name, "--wait"] + arguments)
        let status = tool.waitForExit()
        return (tool.lines, status)
    }

    @Test func `the result is one line on standard output`() throws {
        let done = try call("add", "[1, 2, 39]")
        #expect(done.lines == ["42"])
        #expect(done.status == 0)
    }

    @Test func `a control sequence stays escaped as JSON has it`() throws {
        let done = try call("greet", #"["red"]"#)
        #expect(done.lines.count == 1)
        #expect(done.lines.first?.lowercased() == #""\u001b[31mred\u202e""#)
    }

    @Test func `errors of the server have their code, and status 1`() throws {
        let failed = try call("fail", "[]")
        #expect(failed.lines.contains { $0.contains(#"no\u{1B}way (42)"#) })
        #expect(failed.status == 1)
    }

    @Test func `an unknown method is an error as well`() throws {
        #expect(try call("nothing").status == 1)
    }

    @Test func `with -v it reports each step`() throws {
        let done = try call("add", "[1, 2, 39]", "-v")
        #expect(done.lines.count == 5)
        #expect(done.lines.first?.hasPrefix("pipectl: connecting to \(name), framing length, ") == true)
        #expect(done.lines.dropFirst().first?.hasPrefix("pipectl: connected to uid ") == true)
        #expect(done.lines.dropFirst(2).first == "pipectl: request add, 10 bytes of parameters")
        #expect(done.lines.dropFirst(3).first?.contains(", 2 bytes") == true)
        #expect(done.lines.last == "42")
        #expect(try call("add", "[]", "-v", "-q").status == 2)
    }

    @Test func `a notification has no reply`() throws {
        let noted = try call("add", "[1]", "--notify")
        #expect(noted.lines.isEmpty)
        #expect(noted.status == 0)
    }

    @Test(arguments: ["{", "1"]) func `parameters that are no JSON object or array are a wrong command line`(
        text: String
    ) throws {
        #expect(try call("add", text).status == 2)
    }

    @Test func `a server that is not there is named`() throws {
        let done = try run(reactor, "call", name, "add")
        #expect(done.status == 1)
        #expect(done.lines.contains { $0.contains("no server at") })
    }

    @Test func `the methods of a server that offers this are listed`() throws {
        let listed = try call("--list", offersDiscovery: true)
        #expect(listed.lines == ["add", "fail", "greet"])
        #expect(listed.status == 0)
    }

    @Test func `with --json they are objects`() throws {
        let listed = try call("--list", "--json", offersDiscovery: true)
        #expect(listed.lines == ["add", "fail", "greet"].map { #"{"name":"\#($0)"}"# })
        #expect(listed.status == 0)
    }

    @Test func `a server that does not list its methods is a failure`() throws {
        let silent = try call("--list")
        #expect(silent.lines == ["pipectl: the server does not list its methods (rpc.discover)"])
        #expect(silent.status == 1)
    }
}
