// SPDX-License-Identifier: Apache-2.0

// The parts of the Language Server Protocol, 3.17, that this server uses.

struct Position: Codable, Comparable {
    var line: Int
    /// In UTF-16 code units.
    var character: Int

    static func < (left: Position, right: Position) -> Bool {
        (left.line, left.character) < (right.line, right.character)
    }
}

struct TextRange: Codable, Equatable {
    var start: Position
    /// The first position that does not belong to it.
    var end: Position

    func contains(_ position: Position) -> Bool { start <= position && position < end }
}

struct Diagnostic: Codable {
    enum Severity: Int, Codable {
        case error = 1, warning
    }

    var range: TextRange
    var severity: Severity
    var source = "settings"
    var message: String

    init(_ range: TextRange, _ severity: Severity, _ message: String) {
        self.range = range
        self.severity = severity
        self.message = message
    }
}

struct PublishedDiagnostics: Codable {
    var uri: String
    var version: Int?
    var diagnostics: [Diagnostic]
}

struct Capabilities: Encodable {
    /// Documents are sent as a whole.
    var textDocumentSync = 1
    var hoverProvider = true
    var documentSymbolProvider = true
}

struct InitializeResult: Encodable {
    struct Info: Encodable {
        var name = "settings"
    }

    var capabilities = Capabilities()
    var serverInfo = Info()
}

struct TextDocument: Decodable {
    var uri: String
    var version: Int?
    var text: String?
}

struct DocumentParams: Decodable {
    struct Change: Decodable {
        var text: String
    }

    var textDocument: TextDocument
    var contentChanges: [Change]?
    var position: Position?
}

struct Hover: Encodable {
    struct Contents: Encodable {
        var kind = "plaintext"
        var value: String
    }

    var contents: Contents
    var range: TextRange
}

struct DocumentSymbol: Encodable {
    enum Kind: Int, Encodable {
        case namespace = 3, property = 7
    }

    var name: String
    var detail: String?
    var kind: Kind
    var range: TextRange
    var selectionRange: TextRange

    init(_ name: String, detail: String? = nil, _ kind: Kind, _ range: TextRange) {
        self.name = name
        self.detail = detail
        self.kind = kind
        self.range = range
        selectionRange = range
    }
}
