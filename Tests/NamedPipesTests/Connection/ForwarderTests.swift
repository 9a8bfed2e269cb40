// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

// A delegate's callbacks have defaults, so the compiler does not complain if a forwarding delegate forgets one. The
// test compares the sources: the requirements of each protocol, and the functions of each forwarder.

/// A requirement of a delegate protocol, by the name of its function and the labels of its parameters.
private struct Requirement: Hashable, CustomStringConvertible {
    let name: String
    let labels: [String]

    /// - Parameter declaration: the text from behind `func` to the end of the parameters.
    init?(_ declaration: Substring) {
        guard let open = declaration.firstIndex(of: "("), let close = declaration.firstIndex(of: ")") else {
            return nil
        }
        name = String(declaration[..<open])
        labels = declaration[declaration.index(after: open)..<close].split(separator: ",").map { parameter in
            let words = parameter.split(whereSeparator: { $0 == " " || $0 == ":" })
            return String(words.first ?? "")
        }
    }

    var description: String { "\(name)(\(labels.map { "\($0):" }.joined()))" }

    /// A call of it on an object other than `self`.
    var call: Regex<Substring> {
        get throws {
            let arguments = labels.map { $0 == "_" ? "[^,()]+" : "\($0): [^,()]+" }.joined(separator: ", ")
            return try Regex("[?a-z0-9]\\.\(name)\\(\(arguments)\\)")
        }
    }
}

private struct Sources {
    /// The text of each file, with each declaration or call on one line.
    let texts: [String: String]

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Sources")
            .resolvingSymlinksInPath()
        let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
        var texts: [String: String] = [:]
        for case let file as URL in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            guard text.contains("Delegate") else { continue }
            // Code in a comment is an example.
            let code = text.split(separator: "\n", omittingEmptySubsequences: false)
                .filter { !$0.drop { $0 == " " }.hasPrefix("//") }.joined(separator: "\n")
            texts[file.lastPathComponent] = code.replacing(/\(\n */, with: "(").replacing(/,\n */, with: ", ")
                .replacing(/\n *\)/, with: ")")
        }
        self.texts = texts
    }

    func functions(in file: String) throws -> Set<Requirement> {
        let text = try #require(texts[file], "no file \(file)")
        return Set(text.matches(of: /\bfunc ([^{\n]*)/).compactMap { Requirement($0.1) })
    }

    /// The requirements of one protocol, without inherited ones. Its defaults stand in an extension behind it.
    func requirements(of name: String) throws -> Set<Requirement> {
        let text = try #require(texts["\(name).swift"]?.split(separator: "\n}\n").first)
        return Set(text.matches(of: /\n    func ([^{\n]*)/).compactMap { Requirement($0.1) })
    }

    /// The files of types that are delegates and have another delegate: those that forward callbacks.
    var forwarders: [String] {
        texts.filter {
            $0.value.contains(/(let|var) \w+: \(?any Pipe\w+Delegate/) && conforms($0.value, "Connection|Server|Client")
        }
        .keys.sorted()
    }

    func conforms(_ text: String, _ kind: String) -> Bool {
        guard let conformance = try? Regex("(class|extension) \\w+: [^{]*Pipe(\(kind))Delegate") else { return false }
        return text.contains(conformance)
    }
}

@Suite struct `A delegate that stands in front of another` {
    @Test func `forwards every callback`() throws {
        let sources = try Sources()
        let ofConnections = try sources.requirements(of: "PipeConnectionDelegate")
        let ofServers = try sources.requirements(of: "PipeServerDelegate")
        let ofClients = try sources.requirements(of: "PipeClientDelegate")
        #expect(ofConnections.count >= 6 && ofServers.count >= 7 && ofClients.count >= 2)
        let forwarders = sources.forwarders
        let known = ["ContractWatch", "MeasuredDelegate", "ObservedDelegate", "RecordingDelegate"]
        #expect(Set(forwarders).isSuperset(of: known.map { "\($0).swift" }))
        for file in forwarders {
            let text = try #require(sources.texts[file])
            var wanted = ofConnections
            if sources.conforms(text, "Server") { wanted.formUnion(ofServers) }
            if sources.conforms(text, "Client") { wanted.formUnion(ofClients) }
            let missing = try wanted.subtracting(sources.functions(in: file))
            #expect(missing.isEmpty, "\(file) does not have \(missing)")
            for requirement in wanted {
                let call = try requirement.call
                #expect(text.contains(call), "\(file) does not hand on \(requirement)")
            }
        }
    }

    @Test func `or translates the callbacks, for tasks, has every one`() throws {
        let sources = try Sources()
        let ofConnections = try sources.requirements(of: "PipeConnectionDelegate")
        #expect(try sources.functions(in: "AsyncConnectionDelegate.swift").isSuperset(of: ofConnections))
        // `withConnection` is for one connection, and does not connect again.
        let ofClients = try sources.requirements(of: "PipeClientDelegate")
            .filter { !$0.labels.contains("didFailToReconnectWith") }
        #expect(try sources.functions(in: "AsyncClientDelegate.swift").isSuperset(of: ofClients))
        // The policy decides about admission.
        let ofServers = try sources.requirements(of: "PipeServerDelegate").filter {
            !$0.labels.contains("shouldAccept")
        }
        #expect(try sources.functions(in: "AsyncServerDelegate.swift").isSuperset(of: ofServers))
    }
}
