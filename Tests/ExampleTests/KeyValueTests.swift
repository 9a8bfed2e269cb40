// SPDX-License-Identifier: Apache-2.0
import Foundation
import NamedPipes
import Testing

struct KeyValueTests {
    private let stage: Stage
    private let server: Example

    init() throws {
        stage = try Stage()
        server = try stage.start("KeyValue")
    }

    private var reactor: Reactor { stage.reactor }
    private var address: PipeAddress { stage.address }

    /// The output of redis-cli for these commands, one line each.
    private func answers(to commands: [String], from path: String) throws -> [String] {
        let client = try Example(command: ["redis-cli", "-s", path], on: reactor)
        for command in commands { try client.type(command) }
        try client.endInput()
        #expect(try client.exitStatus() == 0)
        return client.lines
    }

    private var path: String { address.description }

    // MARK: Redis' own programs

    @Test(.requires("redis-cli"))
    func `redis-cli is answered as it expects`() throws {
        let commands = [
            "set k v", "get k", "del k", "incr n", "lpush l a b c", "lrange l 0 -1", "mset a 1 b 2", "mget a b",
        ]
        let expected = ["OK", "v", "1", "1", "3", "c", "b", "a", "OK", "1", "2"]
        #expect(try answers(to: commands, from: path) == expected)
    }

    @Test(.requires("redis-cli", "redis-server"))
    func `every answer is redis-server's`() throws {
        let directory = URL(filePath: path).deletingLastPathComponent().path
        let socket = "\(directory)/redis"
        let redis = try Example(
            command: ["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--dir", directory],
            on: reactor)
        let isThere = reactor.run(timeout: .seconds(30)) {
            redis.lines.contains { $0.contains("ready to accept connections at") }
        }
        try #require(isThere, "no redis-server in \(redis.lines)")
        let ours = try answers(to: KeyValueScript.commands, from: path)
        let theirs = try answers(to: KeyValueScript.commands, from: socket)
        #expect(ours == theirs)
        #expect(ours.count > KeyValueScript.commands.count)
    }

    @Test(.requires("redis-benchmark", "redis-cli"), arguments: [1, 16])
    func `redis-benchmark is served to the end`(pipelined: Int) throws {
        let tests = ["ping", "set", "get", "incr", "lpush", "lrange_100", "mset"]
        let benchmark = try Example(
            command: [
                "redis-benchmark", "-s", path, "-n", "1600", "-c", "10", "-P", "\(pipelined)", "--csv", "-t",
                tests.joined(separator: ","),
            ], on: reactor)
        #expect(try benchmark.exitStatus() == 0)
        for test in ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "LPUSH", "LRANGE_100", "MSET"] {
            #expect(benchmark.lines.contains { $0.hasPrefix("\"\(test)") }, "\(benchmark.lines)")
        }
        let state = ["get counter:__rand_int__", "llen mylist", "get key:__rand_int__"]
        #expect(try answers(to: state, from: path) == ["1600", "3200", "VXK"])
    }

    // MARK: The wire

    private func visitor() throws -> Visitor { try Visitor(to: address, on: reactor, framing: RawFraming()) }

    private func answer(to requests: String) throws -> String {
        let visitor = try visitor()
        try visitor.send(requests)
        #expect(try visitor.reasonOfEnd() == .closedByPeer)
        return visitor.messages.joined()
    }

    @Test(arguments: [
        ("*1\r\nx", "expected '$', got 'x'"), ("*x\r\n", "invalid multibulk length"),
        ("*1\r\n$-5\r\n", "invalid bulk length"), ("*1\r\n$67108865\r\n", "invalid bulk length"),
        ("get \"k\r\n", "unbalanced quotes in request"),
        (String(repeating: "x", count: 70_000), "too big inline request"),
    ])
    func `a protocol error is told, behind the answers to what came before, and ends the connection`(
        request: String, error: String
    ) throws {
        #expect(try answer(to: "PING\r\n" + request) == "+PONG\r\n-ERR Protocol error: \(error)\r\n")
    }

    @Test func `commands in one burst are answered in order, and nothing behind quit`() throws {
        let requests = (1...1000).map { _ in "incr n\r\n" }.joined()
        let replies = (1...1000).map { ":\($0)\r\n" }.joined()
        #expect(try answer(to: requests + "quit\r\nincr n\r\n") == replies + "+OK\r\n")
    }

    /// The first command of redis-py 8, unless it is told to use the second version of the protocol.
    @Test func `a client of the third version is greeted and answered in it`() throws {
        let requests =
            "HELLO 3 SETNAME py\r\nget missing\r\nlpop missing 2\r\nconfig get save\r\nHELLO 2\r\nget missing\r\n"
        let facts =
            "$6\r\nserver\r\n$9\r\nkey-value\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
        let rest = "$7\r\nmodules\r\n*0\r\n$5\r\nproto\r\n:"
        let expected =
            "%5\r\n\(facts)\(rest)3\r\n_\r\n_\r\n%1\r\n$4\r\nsave\r\n$0\r\n\r\n"
            + "*10\r\n\(facts)\(rest)2\r\n$-1\r\n+OK\r\n"
        #expect(try answer(to: requests + "quit\r\n") == expected)
        let refused = "-NOPROTO unsupported protocol version\r\n+OK\r\n"
        #expect(try answer(to: "HELLO 4\r\nquit\r\n") == refused)
    }

    @Test(.requires("python3"), .enabled(if: PythonModule.isThere("redis"), "redis-py is not installed"))
    func `redis-py is served with its defaults`() throws {
        let script = """
            import redis, sys
            r = redis.Redis(unix_socket_path=sys.argv[1])
            print(r.ping(), r.set("k", "v"), r.get("k"), r.decr("n"), r.get("missing"), r.lpop("missing", 2))
            """
        let python = try Example(command: ["python3", "-c", script, path], on: reactor)
        #expect(try python.exitStatus() == 0)
        #expect(python.lines == ["True True b'v' -1 None None"])
    }

    @Test func `a large value comes back whole`() throws {
        let visitor = try visitor()
        let value = String(repeating: "0123456789", count: 500_000)
        for start in stride(from: 0, to: value.utf8.count, by: 1 << 16) {
            if start == 0 { try visitor.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5000000\r\n") }
            try visitor.send(String(value.utf8.dropFirst(start).prefix(1 << 16)) ?? "")
        }
        try visitor.send("\r\n*2\r\n$3\r\nget\r\n$1\r\nk\r\nquit\r\n")
        #expect(try visitor.reasonOfEnd() == .closedByPeer)
        let isSame = visitor.messages.joined() == "+OK\r\n$5000000\r\n\(value)\r\n+OK\r\n"
        #expect(isSame)
    }
}
