// SPDX-License-Identifier: Apache-2.0
import Foundation
import NamedPipes
import NamedPipesRPC
import PipeTestSupport
import Testing

/// The language server as an editor sees it: its messages, in the format of LSP.
@Suite struct `The language server` {
    struct Document: Encodable {
        var uri = "file:///etc/daemon.conf"
        var version: Int?
        var text: String?
    }

    struct Change: Encodable {
        var text: String
    }

    struct Position: Codable, Equatable {
        var line: Int
        var character: Int
    }

    struct Params: Encodable {
        var textDocument = Document()
        var contentChanges: [Change]?
        var position: Position?
    }

    struct TextRange: Codable, Equatable {
        var start: Position
        var end: Position

        init(_ line: Int, _ characters: Range<Int>) {
            start = Position(line: line, character: characters.lowerBound)
            end = Position(line: line, character: characters.upperBound)
        }
    }

    struct Published: Decodable {
        struct Diagnostic: Decodable, Equatable {
            var range: TextRange
            var severity: Int
            var message: String
        }

        var uri: String
        var version: Int?
        var diagnostics: [Diagnostic]
    }

    struct Hover: Decodable {
        struct Contents: Decodable {
            var value: String
        }

        var contents: Contents
        var range: TextRange
    }

    struct Symbol: Decodable {
        var name: String
        var kind: Int
        var range: TextRange
    }

    /// The editor's side of one connection: it sends requests, and takes what is published.
    struct Editor: Sendable {
        let peer: JSONRPCPeer
        let published: AsyncStream<Published>

        func open(_ text: String, version: Int = 1) async throws -> [Published.Diagnostic] {
            try await peer.notify(
                "textDocument/didOpen", Params(textDocument: Document(version: version, text: text)))
            return try await nextDiagnostics(of: version)
        }

        func change(to text: String, version: Int) async throws -> [Published.Diagnostic] {
            let params = Params(textDocument: Document(version: version), contentChanges: [Change(text: text)])
            try await peer.notify("textDocument/didChange", params)
            return try await nextDiagnostics(of: version)
        }

        private func nextDiagnostics(of version: Int) async throws -> [Published.Diagnostic] {
            for await published in published {
                #expect(published.version == version && published.uri == Document().uri)
                return published.diagnostics
            }
            throw CancellationError()
        }
    }

    /// Runs the program and an editor at the same time.
    static func edit(_ body: @escaping @Sendable (Editor) async throws -> Void) async throws {
        let stage = try Stage()
        let server = try stage.start("LanguageServer")
        let (published, publish) = AsyncStream.makeStream(of: Published.self)
        var methods = JSONRPCMethods()
        methods.handle("textDocument/publishDiagnostics") { (diagnostics: Published, _) in publish.yield(diagnostics) }
        let configuration = PipeClient.Configuration(framing: ContentLengthFraming())
        try await PipeClient.withConnection(to: stage.address, configuration: configuration) { [methods] connection in
            try await JSONRPCPeer.run(on: connection, methods: methods) { peer in
                try await body(Editor(peer: peer, published: published))
            }
        }
        server.signal(SIGTERM)
        #expect(try server.exitStatus() == 0)
    }

    static func initialize(_ editor: Editor) async throws {
        let capabilities = try await editor.peer.requestJSON("initialize", JSONText("{}"), timeout: .seconds(30))
        #expect(String(describing: capabilities).contains("hoverProvider"))
        try await editor.peer.notify("initialized")
    }

    @Test func `marks lines that are no settings, and settings that are set twice`() async throws {
        try await Self.edit { editor in
            try await Self.initialize(editor)
            let wrong = try await editor.open("[a]\nx = 1\n# comment\n  x=2\n[b]\nx = 3\n𝄞 nonsense\n[c")
            #expect(
                wrong == [
                    .init(range: TextRange(3, 2..<3), severity: 2, message: "'x' is already set"),
                    .init(range: TextRange(6, 0..<11), severity: 1, message: "a setting is key = value"),
                    .init(range: TextRange(7, 0..<2), severity: 1, message: "a section is [name]"),
                ])
            #expect(try await editor.change(to: "[a]\nx = 1", version: 2) == [])
        }
    }

    @Test func `shows the value of a key, and lists all keys`() async throws {
        try await Self.edit { editor in
            try await Self.initialize(editor)
            _ = try await editor.open("top = 0\n[server]\nport = 80 ")
            let key = Params(position: Position(line: 2, character: 3))
            let hover: Hover? = try await editor.peer.request("textDocument/hover", key, timeout: .seconds(30))
            #expect(hover?.contents.value == #"server.port is "80""#)
            #expect(hover?.range == TextRange(2, 0..<4))
            let beside = Params(position: Position(line: 2, character: 5))
            let nothing: Hover? = try await editor.peer.request("textDocument/hover", beside, timeout: .seconds(30))
            #expect(nothing == nil)
            let symbols: [Symbol] = try await editor.peer.request(
                "textDocument/documentSymbol", Params(), timeout: .seconds(30))
            #expect(symbols.map(\.name) == ["top", "server", "port"])
            #expect(symbols.map(\.kind) == [7, 3, 7])
        }
    }

    /// VS Code with `TransportKind.pipe`: the editor listens, starts the server, and the server connects.
    @Test(arguments: [true, false])
    func `connects to an editor that listens`(isShutDown: Bool) async throws {
        let stage = try Stage()
        let address = stage.address
        let (servers, listening) = AsyncStream.makeStream(of: ReactorReference<PipeServer>.self)
        let connectionEnd = Gate()
        let editor = Task {
            try await PipeServer.serve(
                at: address, configuration: PipeServer.Configuration(framing: ContentLengthFraming()),
                onEvent: { server, event in if case .listening = event { listening.yield(server.reference) } }
            ) { connection in
                defer { connectionEnd.open() }
                try await JSONRPCPeer.run(on: connection) { peer in
                    let result = try await peer.requestJSON("initialize", JSONText("{}"), timeout: .seconds(30))
                    #expect(String(describing: result).contains("hoverProvider"))
                    try await peer.notify("initialized")
                    if isShutDown { try await peer.request("shutdown", timeout: .seconds(30)) }
                    try await peer.notify("exit")
                    #expect(try await peer.connection.waitForEnd() == .closedByPeer)
                }
            }
        }
        for await server in servers {
            let program = try Example(
                "LanguageServer", "--pipe=\(stage.address)", "--clientProcessId=4711", on: stage.reactor)
            #expect(try program.exitStatus() == (isShutDown ? 0 : 1))
            // On a busy machine, the editor hears of the end later than the test, and a stop must not come before.
            #expect(await eventually { connectionEnd.isOpen })
            server.perform { $0.stop() }
            break
        }
        _ = try await editor.value
    }

    /// As most editors start one: pygls stands for them.
    @Test(.requires("python3"), .enabled(if: PythonModule.isThereInPeers("pygls"), "make interop-deps installs pygls"))
    func `speaks over standard streams to an editor that starts it`() throws {
        let stage = try Stage()
        let peers = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../InteropTests/Peers")
        let script = peers.appending(path: "pygls_client.py").path
        let editor = try Example(
            command: ["python3", script, Example.path("LanguageServer"), "--stdio"], on: stage.reactor)
        #expect(try editor.exitStatus() == 0)
        #expect(editor.lines == ["line 2: a setting is key = value", #"server.port is "80""#, "status 0"])
    }

    /// Editors show a server's standard error.
    @Test func `reports a message that it could not read, instead of going on with an older text`() async throws {
        let stage = try Stage()
        let server = try Example(
            command: [
                "sh", "-c", "exec \"$0\" \"$1\" 2>&1", Example.path("LanguageServer"), stage.address.description,
            ],
            on: stage.reactor)
        try server.waitForLine("listening on")
        try await PipeClient.withConnection(
            to: stage.address, configuration: PipeClient.Configuration(framing: ContentLengthFraming())
        ) { connection in
            try await JSONRPCPeer.run(on: connection) { peer in
                _ = try await peer.requestJSON("initialize", JSONText("{}"), timeout: .seconds(30))
                try await peer.notifyJSON("textDocument/didChange", JSONText(#"{"textDocument":{"uri":7}}"#))
                try await peer.request("shutdown", timeout: .seconds(30))
            }
        }
        try server.waitForLine(#"LanguageServer: "textDocument/didChange" was not done: "#)
        server.signal(SIGTERM)
        #expect(try server.exitStatus() == 0)
    }

    @Test func `keeps to the order of a session`() async throws {
        try await Self.edit { editor in
            let early = await #expect(throws: JSONRPCError.self) {
                let _: Hover? = try await editor.peer.request("textDocument/hover", Params(), timeout: .seconds(30))
            }
            #expect(early?.code.rawValue == -32002)
            try await Self.initialize(editor)
            let again = await #expect(throws: JSONRPCError.self) {
                _ = try await editor.peer.requestJSON("initialize", JSONText("{}"), timeout: .seconds(30))
            }
            #expect(again?.code == .invalidRequest)
            let closed = await #expect(throws: JSONRPCError.self) {
                let _: Hover? = try await editor.peer.request("textDocument/hover", Params(), timeout: .seconds(30))
            }
            #expect(closed?.code == .invalidParams)
            try await editor.peer.request("shutdown", timeout: .seconds(30))
            let late = await #expect(throws: JSONRPCError.self) {
                let _: Hover? = try await editor.peer.request("textDocument/hover", Params(), timeout: .seconds(30))
            }
            #expect(late?.code == .invalidRequest)
            try await editor.peer.notify("exit")
            #expect(try await editor.peer.connection.waitForEnd() == .closedByPeer)
        }
    }
}
