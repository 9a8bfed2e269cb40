// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

/// The JSON of a captured message for `--json`, as `listen` has it: its text if it is UTF-8, else its bytes in Base64.
struct TapRecord: Encodable {
    private let time: String
    private let connection: String
    private let direction: String
    private let peer: Peer?
    private let sequence: UInt64
    private let size: Int
    private let message: String?
    private let base64: String?

    private struct Peer: Encodable {
        let uid: UInt32
        let pid: Int32?
    }

    /// - Parameter showsContent: whether an empty message is a text.
    init(_ captured: CapturedMessage, showsContent: Bool) {
        time = jsonTime(captured.nanoseconds)
        connection = captured.connection
        direction = captured.direction.name
        peer = captured.userID.map { Peer(uid: $0, pid: captured.processID) }
        sequence = captured.sequence
        size = captured.byteCount
        (message, base64) = showsContent ? jsonContent(captured.bytes) : (nil, nil)
    }
}

/// The JSON of a loss.
struct LossRecord: Encodable {
    let lost: Int
}
