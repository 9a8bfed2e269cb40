// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import NamedPipesRPC
import PipeTestSupport

@testable import LanguageServer
@testable import NamedPipesTesting

/// A peer of JSON-RPC accepts any stream, answers in JSON and ends with the stream.
func answerRequests(_ input: inout Input) {
    let framing = DelimiterFraming([0x0A], maximumMessageByteCount: input.limit())
    var methods = JSONRPCMethods()
    methods.handle("add") { (numbers: [Int], _) in numbers.reduce(0, &+) }
    methods.handleOthers { params, _ in try params ?? JSONText("null") }
    converse(input.rest(), framing, methods)
}

/// The language server accepts any stream, and any text in an editor.
func serveEditor(_ input: inout Input) {
    switch input.number(below: 3) {
    case 0: converse(input.rest(), ContentLengthFraming(), Workspace().methods)
    case 1:
        // Lines as messages, behind the first message of every editor, so that the fuzzer makes up more than headers.
        let lines = input.rest().split(separator: 0x0A).map(Array.init)
        let first = Array(#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}"#.utf8)
        converse(frames(of: [first] + lines, ContentLengthFraming()), ContentLengthFraming(), Workspace().methods)
    default:
        let text = input.text()
        check(Settings(text), text)
    }
}

private func check(_ settings: Settings, _ text: String) {
    var lengths = [0]
    var last: UInt16 = 0
    for unit in text.utf16 {
        let isSecondOfPair = last == 0x0D && unit == 0x0A
        last = unit
        if isSecondOfPair { continue }
        if unit == 0x0A || unit == 0x0D { lengths.append(0) } else { lengths[lengths.count - 1] += 1 }
    }
    let ranges = settings.sections.map(\.range) + settings.entries.map(\.range) + settings.diagnostics.map(\.range)
    for range in ranges {
        require(range.start.line == range.end.line && range.start.line < lengths.count, "a line that is not there")
        require(0 <= range.start.character && range.start.character < range.end.character, "an empty place")
        require(range.end.character <= lengths[range.start.line], "a place behind its line")
    }
}

/// Sends a stream to methods through memory, and reads what comes back until the end.
private func converse(_ stream: [UInt8], _ framing: some MessageFraming, _ methods: JSONRPCMethods) {
    do {
        let network = try MemoryNetwork()
        network.serve(at: "peer", configuration: PipeServer.Configuration(framing: framing)) { connection in
            try await JSONRPCPeer.serve(connection, methods: methods)
        }
        let end = try network.dial(.abstract("peer"))
        var (rest, answer): (ArraySlice<UInt8>, [UInt8]) = (stream[...], [])
        repeat {
            // The other end may be gone; its answers are still there.
            if let count = (try? end.send(Array(rest.prefix(50_000)).span)) ?? nil { rest = rest.dropFirst(count) }
            require(network.settle(), "no rest")
            answer += arrived(at: end)
        } while !rest.isEmpty && !end.isPeerGone
        end.finishSending()
        require(network.clock.advance(by: .seconds(60)), "no rest behind the end")
        answer += arrived(at: end)
        require(end.isPeerGone, "a conversation that does not end")
        for message in framing.outcome(of: answer).messages { _ = try JSONText(message) }
        end.close()
    } catch {
        fail("\(error)")
    }
}

private func arrived(at end: MemoryEnd) -> [UInt8] {
    var bytes: [UInt8] = []
    while case .content(let more)? = try? end.receive(atMost: 1 << 20) { bytes += more }
    return bytes
}
