// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesProgram
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

await PipeProgram.run { program in
    let options = ["--pipe=", "--clientProcessId=", "--stdio"]
    let arguments = try program.arguments(
        usage: "LanguageServer [ADDRESS | --stdio | --pipe=NAME [--clientProcessId=N]]", atMost: 2, options: options)
    let names = arguments.values.filter { !$0.utf8.starts(with: options[1].utf8) }
    guard names.count <= 1 else { throw arguments.misuse }
    let name = names.first
    if name == options[2] { return try await serveEditorOverStandardStreams() }
    if let name, name.utf8.starts(with: options[0].utf8) {
        return try await serveEditor(listeningAt: String(name.dropFirst(options[0].count)))
    }
    try await program.serve(
        at: PipeAddress(parsing: name ?? "settings-language"),
        configuration: PipeServer.Configuration(framing: ContentLengthFraming())
    ) { connection in
        try await Workspace().serve(connection)
    }
}

func serveEditorOverStandardStreams() async throws {
    let workspace = Workspace()
    var configuration = PipeConnection.Configuration()
    configuration.framing = ContentLengthFraming()
    try await AsyncPipeConnection.withStandardStreams(configuration) { connection in
        try await workspace.serve(connection)
    }
    try requireShutdown(of: workspace)
}

func serveEditor(listeningAt path: String) async throws {
    let workspace = Workspace()
    let configuration = PipeClient.Configuration(framing: ContentLengthFraming())
    try await PipeClient.withConnection(to: PipeAddress(parsing: path), configuration: configuration) { connection in
        try await workspace.serve(connection)
    }
    try requireShutdown(of: workspace)
}

/// LSP defines whether an end was proper: after `shutdown`, status 0, and 1 otherwise.
func requireShutdown(of workspace: Workspace) throws {
    if !workspace.isShutDown { throw ProgramFailure(status: 1) }
}
