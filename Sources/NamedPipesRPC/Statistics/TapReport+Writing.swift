// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

// Written by hand: an encoder would take the server's own thread ten times as long.

/// The reports of a batch, each written when it is sent: the JSON that ``TapReport`` reads. The last one has what the
/// batch has lost.
struct TapReports: Sequence, IteratorProtocol {
    private let batch: TapBatch
    private var rest: ArraySlice<TappedMessage>
    private var isComplete = false

    /// The size up to which a report gets one more message. The largest one has a message of
    /// ``TapQuestion/maximumContentLimit`` beside that.
    private static let byteLimit = 64 << 10

    init(of batch: TapBatch) {
        self.batch = batch
        rest = batch.messages[...]
    }

    mutating func next() -> JSONText? {
        guard !isComplete else { return nil }
        var writer = TapReportWriter()
        while writer.byteCount < Self.byteLimit, let message = rest.popFirst() {
            writer.append(message, batch.content(of: message))
        }
        isComplete = rest.isEmpty
        return writer.report(lost: isComplete ? batch.lostCount : 0)
    }
}

/// Writes one report.
private struct TapReportWriter {
    private var bytes = Array(#"{"messages":["#.utf8)
    private var isEmpty = true

    var byteCount: Int { bytes.count }

    consuming func report(lost count: Int) -> JSONText {
        append(#"],"lost":\#(count)}"#)
        return JSONText(unchecked: bytes[...])
    }

    mutating func append(_ message: TappedMessage, _ content: ArraySlice<UInt8>) {
        append(isEmpty ? #"{"connection":""# : #",{"connection":""#)
        isEmpty = false
        append(ConnectionSnapshot.id(of: message.connection, worker: message.worker))
        append(#"","direction":""#)
        append(message.direction.rawValue)
        append("\"")
        if message.peer != .unknown {
            append(#","userID":"#, UInt64(message.peer.userID))
            if message.peer.processID > 0 { append(#","processID":"#, UInt64(message.peer.processID)) }
        }
        append(#","time":"#, UInt64(max(0, message.nanoseconds) / 1000))
        append(#","sequence":"#, message.sequence)
        append(#","size":"#, UInt64(message.byteCount))
        append(content, isCut: content.count < message.byteCount)
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func append(_ content: ArraySlice<UInt8>, isCut: Bool) {
        guard !content.isEmpty else { return }
        if let text = content.wholeUTF8(isCut: isCut) {
            append(#","text":""#)
            bytes.append(escapedForJSON: text)
        } else {
            append(#","base64":""#)
            appendBase64(content)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends bytes in Base64 (RFC 4648, section 4).
    private mutating func appendBase64(_ content: ArraySlice<UInt8>) {
        bytes.reserveCapacity(bytes.count + (content.count + 2) / 3 * 4)
        for start in stride(from: content.startIndex, to: content.endIndex, by: 3) {
            let count = min(3, content.endIndex - start)
            var bits: UInt32 = 0
            for index in 0..<3 { bits = bits << 8 | (index < count ? UInt32(content[start + index]) : 0) }
            for index in 0..<4 {
                let digit = base64Digits[Int(bits >> (18 - 6 * index) & 0x3F)]
                bytes.append(index <= count ? digit : UInt8(ascii: "="))
            }
        }
    }

    private mutating func append(_ text: String) { bytes += text.utf8 }

    private mutating func append(_ name: String, _ number: UInt64) {
        append(name)
        append(digitsOf: number)
    }

    private mutating func append(digitsOf number: UInt64) {
        if number >= 10 { append(digitsOf: number / 10) }
        bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
    }
}

private let base64Digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

extension ArraySlice<UInt8> {
    /// These bytes if they are UTF-8; nil if they are not.
    ///
    /// - Parameter isCut: whether more bytes follow, so that the last character may be incomplete. It is left out then.
    fileprivate func wholeUTF8(isCut: Bool) -> ArraySlice<UInt8>? {
        for count in 0...(isCut ? Swift.min(3, self.count) : 0) {
            // What was left out has to be the beginning of a character.
            if count > 0, self[endIndex - count] & 0xC0 == 0x80 { continue }
            let text = dropLast(count)
            if isUTF8(text) { return text.isEmpty ? nil : text }
        }
        return nil
    }

    private func isUTF8(_ bytes: ArraySlice<UInt8>) -> Bool {
        do {
            _ = try UTF8Span(validating: bytes.span)
            return true
        } catch {
            return false
        }
    }
}
