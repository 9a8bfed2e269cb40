// SPDX-License-Identifier: Apache-2.0
import ExampleSupport
import NamedPipes
import NamedPipesRPC

// A language server for settings files, on a pipe instead of standard streams: it marks lines that are no settings and
// keys that are set twice, says on hovering what a key is set to, and lists sections and keys.
//
//     LanguageServer [ADDRESS]
//
// Editors connect with a pipe transport: `vim.lsp.rpc.connect(path)` in Neovim, `TransportKind.pipe` in VS Code.

do {
    let address = try addressFromArguments(default: "settings-language")
    let configuration = PipeServer.Configuration(framing: ContentLengthFraming())
    try await serveUntilSignal(at: address, configuration: configuration) { connection in
        try await JSONRPCPeer.serve(connection, methods: Workspace().methods)
    }
} catch {
    fail(error)
}
