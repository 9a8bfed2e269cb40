// SPDX-License-Identifier: Apache-2.0
internal import NamedPipesProgram

/// Prints captured messages, each batch with one write, until there were as many as wanted.
struct TapOutput {
    /// As many messages were printed as wanted.
    struct Complete: Error {}

    private let style: Style
    private let text: [UInt8]?
    private let byteLimit: Int
    private var remainingCount: Int?
    private var names = ProcessNames()

    private enum Style {
        case text(arrows: Arrows)
        case json
    }

    /// - Parameters:
    ///   - text: what a message has to contain; nil for nothing.
    ///   - byteLimit: how many bytes of a message to show; 0 for sizes only.
    ///   - count: how many messages to print; nil for all.
    ///   - isJSON: whether a message is an object.
    init(text: String?, byteLimit: Int, count: Int?, isJSON: Bool, arrows: Arrows = Arrows()) {
        style = isJSON ? .json : .text(arrows: arrows)
        self.text = text.map { Array($0.utf8) }
        self.byteLimit = byteLimit
        remainingCount = count
    }

    mutating func print(_ events: [CaptureEvent]) throws {
        let lines = lines(for: events)
        if !lines.isEmpty { try StandardOutput.print(lines) }
        if remainingCount == 0 { throw Complete() }
    }

    /// The lines to print for these events.
    mutating func lines(for events: [CaptureEvent]) -> String {
        var lines = ""
        for event in events where remainingCount != 0 {
            switch event {
            case .message(let message):
                if let text, message.bytes.firstRange(of: text) == nil { continue }
                lines += line(for: message)
                remainingCount? -= 1
            case .lost(let count): lines += lossLine(count)
            }
        }
        return lines
    }

    private mutating func line(for message: CapturedMessage) -> String {
        var message = message
        message.bytes = Array(message.bytes.prefix(byteLimit))
        switch style {
        case .json: return jsonLine(TapRecord(message, showsContent: byteLimit > 0))
        case .text(let arrows):
            let peer = names.title(of: message)
            var line = "\(ClockTime(message.nanoseconds))  \(printable(message.connection))  \(peer)"
            line += " \(arrows.arrow(message.direction)) \(readable(byteCount: message.byteCount))"
            if byteLimit > 0 { line += "  " + printable(message.bytes) + (message.isCut ? arrows.ellipsis : "") }
            return line + "\n"
        }
    }

    private func lossLine(_ count: Int) -> String {
        switch style {
        case .json: jsonLine(LossRecord(lost: count))
        case .text: counted(count, "message") + " lost\n"
        }
    }
}
