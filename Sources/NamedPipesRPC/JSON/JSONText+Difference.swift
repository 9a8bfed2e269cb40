// SPDX-License-Identifier: Apache-2.0

/// The first difference between two JSON values.
package struct JSONDifference: Hashable, Sendable, CustomStringConvertible {
    /// Where it is, as a path of RFC 9535: `$` is the whole value, `$.result.items[2]` a part.
    package let path: String

    /// What is there; nil if there is nothing.
    package let actual: JSONText?

    /// What is expected there; nil if nothing is.
    package let expected: JSONText?

    /// One line: `$.result.id is 2, not 1`.
    package var description: String {
        switch (actual.map(Self.shown), expected.map(Self.shown)) {
        case (let actual?, let expected?): "\(path) is \(actual), not \(expected)"
        case (nil, let expected?): "\(path) is missing, and is expected to be \(expected)"
        case (let actual?, nil): "\(path) is \(actual), and is not expected"
        case (nil, nil): "\(path) is missing"
        }
    }

    /// A value, or its beginning if it is long.
    private static func shown(_ value: JSONText) -> String {
        let text = "\(value)"
        return text.count > 200 ? "\(text.prefix(200))…" : text
    }
}

extension JSONText {
    /// Compares the values, not the texts: members of an object may come in any order, numbers are compared by their
    /// value, strings by their characters. Of members with the same name, the last one counts.
    ///
    /// - Returns: the first difference, in the order of the expected value, and then of this one; nil if the values are
    ///   equal.
    package func difference(from expected: JSONText) -> JSONDifference? {
        trimmed.difference(from: expected.trimmed, at: "$")
    }

    /// Without white space around it.
    private var trimmed: JSONText {
        var scanner = JSONScanner(slice, depthLimit: 512)
        return (try? scanner.value()) ?? self
    }

    private func difference(from expected: JSONText, at path: String) -> JSONDifference? {
        switch (kind, expected.kind) {
        case (.object, .object): return differenceOfMembers(from: expected, at: path)
        case (.array, .array): return differenceOfElements(from: expected, at: path)
        case (let kind, let expectedKind) where kind == expectedKind && isEqual(to: expected, as: kind): return nil
        default: return JSONDifference(path: path, actual: self, expected: expected)
        }
    }

    private enum Kind { case object, array, string, number, word }

    private var kind: Kind {
        switch slice.first {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): .word
        default: .number
        }
    }

    private func isEqual(to other: JSONText, as kind: Kind) -> Bool {
        switch kind {
        case .string: string == other.string
        // Numbers whose exponents have more than 64 bits are compared as they are written.
        case .number: slice == other.slice || JSONNumber(self).map { $0 == JSONNumber(other) } ?? false
        case .object, .array, .word: slice == other.slice
        }
    }

    private func differenceOfMembers(from expected: JSONText, at path: String) -> JSONDifference? {
        let (here, there) = (members, expected.members)
        for name in there.names {
            let place = "\(path)\(Self.step(to: name))"
            guard let value = here.values[name] else {
                return JSONDifference(path: place, actual: nil, expected: there.values[name])
            }
            if let other = there.values[name], let found = value.difference(from: other, at: place) { return found }
        }
        return here.names.first { there.values[$0] == nil }.map {
            JSONDifference(path: "\(path)\(Self.step(to: $0))", actual: here.values[$0], expected: nil)
        }
    }

    private func differenceOfElements(from expected: JSONText, at path: String) -> JSONDifference? {
        let (here, there) = (elements, expected.elements)
        for index in 0..<max(here.count, there.count) {
            let place = "\(path)[\(index)]"
            guard index < here.count, index < there.count else {
                return JSONDifference(
                    path: place, actual: index < here.count ? here[index] : nil,
                    expected: index < there.count ? there[index] : nil)
            }
            if let found = here[index].difference(from: there[index], at: place) { return found }
        }
        return nil
    }

    /// The members by their names, which are in the order of the text.
    private var members: (names: [String], values: [String: JSONText]) {
        var (names, values) = ([String](), [String: JSONText]())
        var scanner = JSONScanner(slice, depthLimit: 512)
        try? scanner.members { name, value in
            let name = name.string ?? "\(name)"
            if values.updateValue(value, forKey: name) == nil { names.append(name) }
        }
        return (names, values)
    }

    private var elements: [JSONText] {
        var elements: [JSONText] = []
        var scanner = JSONScanner(slice, depthLimit: 512)
        try? scanner.elements { elements.append($0) }
        return elements
    }

    /// `.name`, or in brackets if the name is no identifier.
    private static func step(to name: String) -> String {
        let isPlain =
            !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
                default: false
                }
            }
        return isPlain ? ".\(name)" : "[\(JSONText(quoting: name))]"
    }
}
