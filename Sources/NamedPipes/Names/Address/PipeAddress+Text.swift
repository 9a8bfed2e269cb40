// SPDX-License-Identifier: Apache-2.0

extension PipeAddress {
    /// Parses an address as a person writes it, on a command line or in a configuration.
    ///
    /// | Text | Means |
    /// |---|---|
    /// | `/run/thermostat.sock` | ``path(_:)`` |
    /// | `@thermostat` | ``abstract(_:)`` |
    /// | `dotnet:thermostat` | ``dotNet(_:)`` |
    /// | `fifo:/run/thermostat` | ``fifo(_:)`` |
    /// | `thermostat` | ``runtime(_:)`` |
    ///
    /// - Parameter text: one of the forms above; nothing is trimmed or unescaped.
    /// - Throws: ``PipeError/invalidAddress(_:)``; with ``InvalidAddress/atBroker`` for `nats://…`.
    public init(parsing text: String) throws(PipeError) {
        try self.init(parsing: text, in: .current)
    }

    init(parsing text: String, in environment: AddressEnvironment) throws(PipeError) {
        if text.utf8.starts(with: "nats://".utf8) { throw .invalidAddress(.atBroker) }
        let (dotNetMark, fifoMark) = ("dotnet:", "fifo:/")
        if text.utf8.first == UInt8(ascii: "/") {
            self = try .path(text)
        } else if text.utf8.first == UInt8(ascii: "@") {
            self = try .abstract(String(text.unicodeScalars.dropFirst()))
        } else if text.utf8.starts(with: dotNetMark.utf8) {
            self = try .dotNet(String(text.unicodeScalars.dropFirst(dotNetMark.utf8.count)), in: environment)
        } else if text.utf8.starts(with: fifoMark.utf8) {
            self = try .fifo(String(text.unicodeScalars.dropFirst(fifoMark.utf8.count - 1)))
        } else {
            self = try .runtime(text, in: environment)
        }
    }
}

extension PipeAddress: CustomStringConvertible {
    /// The address for logs and for ``init(parsing:)``: the whole path, `@` and the abstract name, or `fifo:` and the
    /// path.
    ///
    /// Control characters and invisible formatting are shown as `\u{1B}`, so that a name cannot forge lines of a log or
    /// send commands to a terminal. Parsing does not undo that: only an address without such characters survives the
    /// round trip, which is why this type is not `LosslessStringConvertible`.
    public var description: String {
        switch kind {
        case .abstract: "@" + escapingInvisibles(text)
        case .fifo: "fifo:" + escapingInvisibles(text)
        case .file, .other: escapingInvisibles(text)
        }
    }
}

/// The text, in which the codes of characters that a terminal would obey rather than show replace these characters.
package func escapingInvisibles(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator:
            result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
        default:
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}
