// SPDX-License-Identifier: Apache-2.0
import ExampleSupport
import NamedPipes
import NamedPipesRPC

// A language server for settings files, over standard streams or a pipe: it marks lines that are not settings and keys
// that are set twice, shows the value of a key on hovering, and lists sections and keys.
//
//     LanguageServer --stdio                                 speaks over standard input and output: an editor starts it
//     LanguageServer [ADDRESS]                               listens; an editor connects, Neovim for example with
//                                                            `vim.lsp.rpc.connect(path)`
//     LanguageServer --pipe=NAME [--clientProcessId=N]       connects to an editor that listens, as VS Code does with
//                                                            `TransportKind.pipe`; ends with it
//
// The editor's process ID is not needed: when the editor is gone, the connection has ended.

let options = ["--pipe=", "--clientProcessId=", "--stdio"]
let arguments = ProgramArguments(
    usage: "LanguageServer [ADDRESS | --stdio | --pipe=NAME [--clientProcessId=N]]", atMost: 2, options: options)
do {
    let names = arguments.values.filter { !$0.utf8.starts(with: options[1].utf8) }
    guard names.count <= 1 else { arguments.failWithUsage() }
    if names.first == options[2] { exitProgram(try await serveEditorOverStandardStreams() ? 0 : 1) }
    if let pipe = names.first, pipe.utf8.starts(with: options[0].utf8) {
        // LSP defines whether an end was proper: after `shutdown`, or not.
        let isProper = try await serveEditor(listeningAt: String(pipe.dropFirst(options[0].count)))
        exitProgram(isProper ? 0 : 1)
    }
    let address = try names.first.map { name throws(PipeError) in try PipeAddress(parsing: name) }
    try await serveUntilSignal(
        at: address ?? .runtime("settings-language"),
        configuration: PipeServer.Configuration(framing: ContentLengthFraming())
    ) { connection in
        try await Workspace().serve(connection)
    }
} catch {
    fail(error)
}

/// Returns whether the editor has said `shutdown`.
func serveEditorOverStandardStreams() async throws -> Bool {
    let workspace = Workspace()
    var configuration = PipeConnection.Configuration()
    configuration.framing = ContentLengthFraming()
    try await speakUntilSignal(configuration) { connection in
        try await workspace.serve(connection)
    }
    return workspace.isShutDown
}

/// Returns whether the editor has said `shutdown`.
func serveEditor(listeningAt path: String) async throws -> Bool {
    let workspace = Workspace()
    let configuration = PipeClient.Configuration(framing: ContentLengthFraming())
    try await connectUntilSignal(to: PipeAddress(parsing: path), configuration: configuration) { connection in
        try await workspace.serve(connection)
    }
    return workspace.isShutDown
}
