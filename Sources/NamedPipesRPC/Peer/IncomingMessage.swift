// SPDX-License-Identifier: Apache-2.0

/// One object of JSON-RPC 2.0 that has arrived: alone, or in a batch.
enum IncomingMessage {
    struct Request {
        let method: String
        /// An object or an array; nil for null.
        let params: JSONText?
        /// Nil for a notification.
        let id: WrittenID?
        /// See ``JSONRPCCall/metadata``.
        let metadata: [String: String]
    }

    /// The members that the specification defines for requests and replies.
    static let definedMembers: Set<String> = ["jsonrpc", "method", "params", "id", "result", "error"]

    case request(Request)
    /// A reply. An error without an id has the id null.
    case reply(JSONRPCID, Result<JSONText, JSONRPCError>)
    /// Looks like a reply but is not valid. Never answered, because two ends could otherwise answer each other's
    /// answers for ever.
    case invalidReply(JSONRPCID?, JSONText)
    /// Invalid, to be answered with an error.
    case invalid(WrittenID, JSONRPCError)

    /// - Parameters:
    ///   - text: a checked JSON value.
    ///   - idByteLimit: the maximum size of an id, in bytes as written.
    ///   - metadataByteLimit: the maximum size of all names and values of metadata, in bytes as written.
    init(_ text: JSONText, idByteLimit: Int, metadataByteLimit: Int, depthLimit: Int) {
        guard text.slice.first == UInt8(ascii: "{") else {
            self = .invalid(.null, .invalidRequest("not an object"))
            return
        }
        var members = Members(idByteLimit: idByteLimit, metadataByteLimit: metadataByteLimit)
        var scanner = JSONScanner(text.slice, depthLimit: depthLimit)
        // The text was checked before.
        try? scanner.members { name, value in members.take(name, value) }
        if members.looksLikeReply {
            self = members.reply.map { .reply($0, $1) } ?? .invalidReply(members.id?.id, text)
            return
        }
        do {
            self = .request(try members.request())
        } catch {
            self = .invalid(members.id ?? .null, error)
        }
    }
}

/// The members that JSON-RPC defines, and other members that are strings. All others are ignored.
private struct Members {
    let idByteLimit: Int
    /// The unused part of the limit.
    var metadataByteLimit: Int
    var version: JSONText?
    var method: JSONText?
    var params: JSONText?
    var result: JSONText?
    var error: JSONText?
    var id: WrittenID?
    var hasUnusableID = false
    // If one end used the first of two equal members and the other end the last, they would disagree about the request.
    var hasDuplicates = false
    var metadata: [String: String] = [:]

    init(idByteLimit: Int, metadataByteLimit: Int) {
        self.idByteLimit = idByteLimit
        self.metadataByteLimit = metadataByteLimit
    }

    mutating func take(_ text: JSONText, _ value: JSONText) {
        // A name may be written with escapes; the longest defined name would then take 44 bytes.
        guard text.slice.count <= max(44, metadataByteLimit), let name = text.string else { return }
        switch name {
        case "jsonrpc": Self.set(&version, value, &hasDuplicates)
        case "method": Self.set(&method, value, &hasDuplicates)
        case "params": if !value.isNull { Self.set(&params, value, &hasDuplicates) }
        case "result": Self.set(&result, value, &hasDuplicates)
        case "error": Self.set(&error, value, &hasDuplicates)
        case "id":
            if id != nil { hasDuplicates = true }
            id = value.slice.count <= idByteLimit ? JSONRPCID(value).map { WrittenID(id: $0, text: value) } : nil
            if id == nil { hasUnusableID = true }
        default: takeMetadata(name, text.slice.count, value)
        }
    }

    private mutating func takeMetadata(_ name: String, _ nameByteCount: Int, _ value: JSONText) {
        let byteCount = nameByteCount + value.slice.count
        guard byteCount <= metadataByteLimit, metadata[name] == nil, let value = value.string else { return }
        metadataByteLimit -= byteCount
        metadata[name] = value
    }

    // Not by a key path, which would take 700 instructions a member.
    private static func set(_ member: inout JSONText?, _ value: JSONText, _ hasDuplicates: inout Bool) {
        if member != nil { hasDuplicates = true }
        member = value
    }

    private var hasVersion: Bool { version?.string == "2.0" }

    /// Whether it can only be a reply. Many servers omit a result that is null; replies have no parameters.
    var looksLikeReply: Bool {
        method == nil && params == nil && (result != nil || error != nil || id != nil || hasUnusableID)
    }

    func request() throws(JSONRPCError) -> IncomingMessage.Request {
        guard hasVersion else { throw .invalidRequest(#"jsonrpc is not "2.0""#) }
        guard !hasDuplicates else { throw .invalidRequest("a duplicate member") }
        guard !hasUnusableID else {
            throw .invalidRequest("id is not a number, string or null of at most \(idByteLimit) bytes")
        }
        guard let name = method?.string else {
            throw .invalidRequest("method is not a string")
        }
        guard params?.isStructured != false else { throw .invalidRequest("params is neither object nor array") }
        return IncomingMessage.Request(method: name, params: params, id: id, metadata: metadata)
    }

    /// Nil if it is not a valid reply.
    var reply: (JSONRPCID, Result<JSONText, JSONRPCError>)? {
        // Servers of JSON-RPC 1 send no version, and both a result and an error, one of which is null.
        guard version == nil || hasVersion, !hasDuplicates, !hasUnusableID else { return nil }
        if let error, !error.isNull {
            guard result?.isNull != false else { return nil }
            return JSONRPCError(object: error).map { (id?.id ?? .null, .failure($0)) }
        }
        return id.map { ($0.id, .success(result ?? .null)) }
    }
}

extension JSONRPCError {
    /// Reads an error object; nil if it is not one.
    fileprivate init?(object: JSONText) {
        let code = object.member("code").flatMap { JSONNumber($0)?.wholeNumber }.flatMap { Int(exactly: $0) }
        let message = object.member("message")?.string
        guard let code, let message else { return nil }
        self.init(Code(rawValue: code), message, data: object.member("data"))
    }
}
