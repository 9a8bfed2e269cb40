// SPDX-License-Identifier: Apache-2.0

/// One object of JSON-RPC 2.0 that has arrived: alone, or in a batch.
enum IncomingMessage {
    struct Request {
        let method: String
        /// An object or an array.
        let params: JSONText?
        /// Nil for a notification.
        let id: JSONRPCID?
    }

    case request(Request)
    case reply(JSONRPCID, Result<JSONText, JSONRPCError>)
    /// Looks like a reply and is none; never answered, lest two ends answer each other's answers.
    case invalidReply(JSONRPCID?, JSONText)
    /// To be answered with an error.
    case invalid(JSONRPCID, JSONRPCError)

    /// - Parameters:
    ///   - text: a JSON value that was checked.
    ///   - idByteLimit: how long an id may be, in bytes as written.
    init(_ text: JSONText, idByteLimit: Int, depthLimit: Int) {
        guard text.slice.first == UInt8(ascii: "{") else {
            self = .invalid(.null, .invalidRequest("not an object"))
            return
        }
        var members = Members(idByteLimit: idByteLimit)
        var scanner = JSONScanner(text.slice, depthLimit: depthLimit)
        // It was checked before.
        try? scanner.members { name, value in members.take(name, value) }
        if members.method == nil, members.result != nil || members.error != nil {
            self = members.reply.map { .reply($0, $1) } ?? .invalidReply(members.id, text)
            return
        }
        do {
            self = .request(try members.request())
        } catch {
            self = .invalid(members.id ?? .null, error)
        }
    }
}

/// The members that mean something. Others are ignored.
private struct Members {
    let idByteLimit: Int
    var version: JSONText?
    var method: JSONText?
    var params: JSONText?
    var result: JSONText?
    var error: JSONText?
    var id: JSONRPCID?
    var hasUnusableID = false
    // Ends that take the first and ends that take the last one would disagree about what was asked.
    var hasDuplicates = false

    init(idByteLimit: Int) { self.idByteLimit = idByteLimit }

    mutating func take(_ name: JSONText, _ value: JSONText) {
        // A name may be written with escapes; the longest that matters would then take 44 bytes.
        guard name.slice.count <= 44, let name = try? JSONCoding().decode(String.self, from: name) else { return }
        switch name {
        case "jsonrpc": set(\.version, value)
        case "method": set(\.method, value)
        case "params": set(\.params, value)
        case "result": set(\.result, value)
        case "error": set(\.error, value)
        case "id":
            if id != nil { hasDuplicates = true }
            id = value.slice.count <= idByteLimit ? JSONRPCID(value) : nil
            if id == nil { hasUnusableID = true }
        default: break
        }
    }

    private mutating func set(_ member: WritableKeyPath<Members, JSONText?>, _ value: JSONText) {
        if self[keyPath: member] != nil { hasDuplicates = true }
        self[keyPath: member] = value
    }

    private var hasVersion: Bool { version?.description == #""2.0""# }

    func request() throws(JSONRPCError) -> IncomingMessage.Request {
        guard hasVersion else { throw .invalidRequest(#"jsonrpc is not "2.0""#) }
        guard !hasDuplicates else { throw .invalidRequest("a member twice") }
        guard !hasUnusableID else {
            throw .invalidRequest("id is no number, string or null of at most \(idByteLimit) bytes")
        }
        guard let method, let name = try? JSONCoding().decode(String.self, from: method) else {
            throw .invalidRequest("method is no string")
        }
        guard params?.isStructured != false else { throw .invalidRequest("params is neither object nor array") }
        return IncomingMessage.Request(method: name, params: params, id: id)
    }

    /// Nil if it is none.
    var reply: (JSONRPCID, Result<JSONText, JSONRPCError>)? {
        guard hasVersion, !hasDuplicates, !hasUnusableID, let id else { return nil }
        switch (result, error) {
        case (let result?, nil): return (id, .success(result))
        case (nil, let error?): return JSONRPCError(object: error).map { (id, .failure($0)) }
        default: return nil
        }
    }
}

extension JSONRPCError {
    /// Reads an error object; nil if it is none.
    fileprivate init?(object: JSONText) {
        let code = object.member("code").flatMap { Int($0.description) }
        let message = object.member("message").flatMap { try? JSONCoding().decode(String.self, from: $0) }
        guard let code, let message else { return nil }
        self.init(Code(rawValue: code), message, data: object.member("data"))
    }
}
