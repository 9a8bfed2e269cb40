// SPDX-License-Identifier: Apache-2.0

/// Writes the objects of JSON-RPC 2.0.
enum OutgoingMessage {
    static func request(
        _ method: String, _ params: JSONText?, id: JSONRPCID?, metadata: [String: String] = [:],
        _ place: JSONRPCPeer.MetadataPlace = .besideParams
    ) -> [UInt8] {
        if place == .metaOfParams, !metadata.isEmpty {
            return request(method, ParamsMetadata.add(metadata, to: params), id: id)
        }
        var bytes = Array(#"{"jsonrpc":"2.0""#.utf8)
        if let id { bytes.append(#","id":"#, id.text) }
        bytes.append(#","method":"#, JSONText(quoting: method))
        if let params { bytes.append(#","params":"#, params) }
        for (name, value) in metadata where !IncomingMessage.definedMembers.contains(name) {
            bytes.append(",\(JSONText(quoting: name)):", JSONText(quoting: value))
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    static func reply(_ outcome: Result<JSONText, JSONRPCError>, to id: WrittenID) -> [UInt8] {
        var bytes = Array(#"{"jsonrpc":"2.0""#.utf8)
        bytes.append(#","id":"#, id.text)
        switch outcome {
        case .success(let result): bytes.append(#","result":"#, result)
        case .failure(let error):
            bytes += #","error":{"code":\#(error.code.rawValue)"#.utf8
            bytes.append(#","message":"#, JSONText(quoting: error.message))
            if let data = error.data { bytes.append(#","data":"#, data) }
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    static func batch(_ objects: [[UInt8]]) -> [UInt8] {
        var bytes = [UInt8(ascii: "[")]
        for (index, object) in objects.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += object
        }
        bytes.append(UInt8(ascii: "]"))
        return bytes
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ name: String, _ value: JSONText) {
        self += name.utf8
        self += value.slice
    }
}
