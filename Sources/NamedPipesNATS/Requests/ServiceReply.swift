// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import FoundationEssentials
internal import NamedPipesRPC

/// An answer as NATS's service protocol has it: the result as JSON, or an error in two headers. An error's content is
/// the error object of JSON-RPC 2.0, so that nothing of it is lost between two ends of this library.
enum ServiceReply {
    static let codeHeader = "Nats-Service-Error-Code"
    static let textHeader = "Nats-Service-Error"

    static func outcome(of message: borrowing BrokerMessage) -> Result<JSONText, any Error> {
        let content = message.content
        if let text = message.header(textHeader) ?? message.header(codeHeader) {
            let code = message.header(codeHeader).flatMap { Int($0) } ?? JSONRPCError.Code.internalError.rawValue
            let object = try? JSONText(content)
            return .failure(
                JSONRPCError(
                    .init(rawValue: code),
                    object?.member("message").flatMap { try? $0.decode(as: String.self) } ?? text,
                    data: object?.member("data")))
        }
        // A service that has nothing to say sends nothing.
        guard !content.isEmpty else { return .success(.null) }
        do {
            return .success(try JSONText(content))
        } catch {
            return .failure(error)
        }
    }

    static func headers(of error: JSONRPCError) -> [MessageHeader] {
        [(codeHeader, "\(error.code.rawValue)"), (textHeader, line(error.message))]
    }

    /// A text as a header's value, which ends at a line feed: with spaces for control characters.
    static func line(_ text: String) -> String {
        text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : String($0) }.joined()
    }

    static func content(of error: JSONRPCError) -> [UInt8] {
        struct Object: Encodable {
            let code: Int
            let message: String
        }
        guard var bytes = try? JSONText(encoding: Object(code: error.code.rawValue, message: error.message)).bytes
        else { return [] }
        if let data = error.data {
            bytes.removeLast()
            bytes += Array(#","data":"#.utf8) + data.bytes + Array("}".utf8)
        }
        return bytes
    }
}
#endif
