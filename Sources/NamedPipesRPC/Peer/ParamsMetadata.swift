// SPDX-License-Identifier: Apache-2.0

/// Metadata in the object `_meta` of a request's parameters, beside any other members of that object.
enum ParamsMetadata {
    private static let name = "_meta"

    /// Parameters that are an array, or whose `_meta` is not an object, remain unchanged.
    static func add(_ metadata: [String: String], to params: JSONText?) -> JSONText? {
        guard let params else { return object([(name, object(metadata.map { ($0, JSONText(quoting: $1)) }))]) }
        guard isObject(params) else { return params }
        guard let meta = params.member(name) else {
            return insert([(name, object(metadata.map { ($0, JSONText(quoting: $1)) }))], into: params)
        }
        guard isObject(meta) else { return params }
        let added = metadata.filter { meta.member($0.key) == nil }.map { ($0, JSONText(quoting: $1)) }
        let longer = insert(added, into: meta)
        let bytes = params.slice
        return JSONText(
            unchecked: (bytes[..<meta.slice.startIndex] + longer.slice + bytes[meta.slice.endIndex...])[...])
    }

    /// The strings in it, up to the limit; see ``JSONRPCPeer/Configuration/metadataByteLimit``.
    static func read(_ params: JSONText?, byteLimit: Int) -> [String: String] {
        guard let meta = params?.member(name), isObject(meta) else { return [:] }
        var metadata: [String: String] = [:]
        var room = byteLimit
        // This text was checked before, with the configured limit.
        var scanner = JSONScanner(meta.slice, depthLimit: 512)
        try? scanner.members { name, value in
            let byteCount = name.slice.count + value.slice.count
            guard byteCount <= room, let name = name.string, metadata[name] == nil, let value = value.string
            else { return }
            room -= byteCount
            metadata[name] = value
        }
        return metadata
    }

    private static func isObject(_ text: JSONText) -> Bool { text.slice.first == UInt8(ascii: "{") }

    private static func object(_ members: [(String, JSONText)]) -> JSONText {
        insert(members, into: JSONText(unchecked: Array("{}".utf8)[...]))
    }

    /// Inserts members before the first one of an object.
    private static func insert(_ members: [(String, JSONText)], into object: JSONText) -> JSONText {
        let written = members.map { name, value in "\(JSONText(quoting: name)):\(value)" }.joined(separator: ",")
        let rest = object.slice.dropFirst()
        let isEmpty = rest.first { !(0x09...0x20).contains($0) } == UInt8(ascii: "}")
        let separator = isEmpty || members.isEmpty ? "" : ","
        return JSONText(unchecked: (Array("{\(written)\(separator)".utf8) + rest)[...])
    }
}
