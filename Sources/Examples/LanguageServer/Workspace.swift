// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesProgram
import NamedPipesRPC
import Synchronization

/// The open documents of one editor, and its requests.
///
/// Handlers begin in the order in which messages arrived, and run up to their first `await`. Documents are stored and
/// examined before that, so that a request refers to the text that was sent before it.
final class Workspace: Sendable {
    private struct State {
        /// By the bytes of their names: strings are equal if they only look the same.
        var documents: [[UInt8]: Settings] = [:]
        var isInitialized = false
        var isShutDown = false
    }

    private let state = Mutex(State())

    /// Whether the editor has sent `shutdown`.
    var isShutDown: Bool { state.withLock { $0.isShutDown } }

    /// Answers the editor until it ends the conversation. Problems that no answer can report (a change that could not
    /// be read, so that later requests refer to an older text) are written to standard error, which editors show.
    func serve(_ connection: AsyncPipeConnection) async throws {
        var configuration = JSONRPCPeer.Configuration()
        configuration.onEvent = { event in PipeProgram.warn(Self.text(of: event)) }
        try await JSONRPCPeer.serve(connection, methods: methods, configuration: configuration)
    }

    /// An event as one line; names and texts that came from the editor are quoted.
    private static func text(of event: JSONRPCPeer.Event) -> String {
        switch event {
        case .handlerFailed(let method, let error):
            "\((method ?? "?").debugDescription) was not done: \("\(error)".debugDescription)"
        case .droppedNotification(let method): "\(method.debugDescription) is not known"
        case .undecodableMessage(_, let error): "a message that is not JSON: \(error)"
        default: "an unexpected message: \("\(event)".debugDescription)"
        }
    }

    var methods: JSONRPCMethods {
        var methods = JSONRPCMethods()
        methods.handle("initialize") { [self] _ -> InitializeResult in
            try state.withLock { state in
                guard !state.isInitialized else { throw JSONRPCError(.invalidRequest, "already initialized") }
                state.isInitialized = true
            }
            return InitializeResult()
        }
        methods.handle("initialized") { _ in }
        methods.handle("shutdown") { [self] _ in try withState { $0.isShutDown = true } }
        methods.handle("exit") { call in await call.peer.connection.close() }
        for method in ["textDocument/didOpen", "textDocument/didChange"] {
            methods.handle(method) { [self] (params: DocumentParams, call) in try await read(params, call) }
        }
        methods.handle("textDocument/didClose") { [self] (params: DocumentParams, call) in
            try withState { $0.documents[Array(params.textDocument.uri.utf8)] = nil }
            try await publish([], of: params.textDocument, call)
        }
        methods.handle("textDocument/hover") { [self] (params: DocumentParams, _) in try hover(params) }
        methods.handle("textDocument/documentSymbol") { [self] (params: DocumentParams, _) in try symbols(params) }
        return methods
    }

    // MARK: Documents

    private func read(_ params: DocumentParams, _ call: JSONRPCCall) async throws {
        guard let text = params.contentChanges?.last?.text ?? params.textDocument.text else {
            throw JSONRPCError(.invalidParams, "no text")
        }
        let settings = Settings(text)
        try withState { $0.documents[Array(params.textDocument.uri.utf8)] = settings }
        try await publish(settings.diagnostics, of: params.textDocument, call)
    }

    private func publish(_ diagnostics: [Diagnostic], of document: TextDocument, _ call: JSONRPCCall) async throws {
        try await call.peer.notify(
            "textDocument/publishDiagnostics",
            PublishedDiagnostics(uri: document.uri, version: document.version, diagnostics: diagnostics))
    }

    // MARK: Questions

    private func hover(_ params: DocumentParams) throws -> Hover? {
        let settings = try settings(of: params)
        guard let entry = params.position.flatMap(settings.entry) else { return nil }
        let path = entry.section.isEmpty ? entry.key : "\(entry.section).\(entry.key)"
        return Hover(contents: Hover.Contents(value: "\(path) is \"\(entry.value)\""), range: entry.range)
    }

    private func symbols(_ params: DocumentParams) throws -> [DocumentSymbol] {
        let settings = try settings(of: params)
        let symbols =
            settings.sections.map { DocumentSymbol($0.name, .namespace, $0.range) }
            + settings.entries.map { DocumentSymbol($0.key, detail: $0.value, .property, $0.range) }
        return symbols.sorted { $0.range.start < $1.range.start }
    }

    private func settings(of params: DocumentParams) throws -> Settings {
        let uri = params.textDocument.uri
        guard let found = try withState({ $0.documents[Array(uri.utf8)] }) else {
            throw JSONRPCError(.invalidParams, "\(uri) is not open")
        }
        return found
    }

    /// Only between `initialize` and `shutdown`; the codes are LSP's.
    private func withState<Result: Sendable>(_ use: (inout sending State) throws -> sending Result) throws -> Result {
        try state.withLock { state in
            guard state.isInitialized else {
                throw JSONRPCError(.init(rawValue: -32002), "the first request is 'initialize'")
            }
            guard !state.isShutDown else { throw JSONRPCError(.invalidRequest, "shut down") }
            return try use(&state)
        }
    }
}
