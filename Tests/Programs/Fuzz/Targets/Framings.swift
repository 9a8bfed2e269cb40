// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport

/// Any bytes give the same messages and the same error in one piece, cut at will, and one by one; and the messages,
/// framed again, come back.
func cut(_ input: inout Input, _ framing: some MessageFraming) {
    let cuts = input.bytes(4).map(Int.init)
    let stream = input.rest()
    let whole = framing.outcome(of: stream)
    let positions = cuts.map { stream.isEmpty ? 0 : $0 * stream.count / 256 }.sorted()
    require(framing.outcome(of: stream, cutAt: positions) == whole, "cut at \(positions)")
    if stream.count <= 300 {
        require(framing.outcome(of: stream, cutAt: Array(0..<stream.count)) == whole, "one byte at a time")
    }
    let again = framing.outcome(of: frames(of: whole.messages, framing))
    require(again == Outcome(messages: whole.messages), "framed again")
}

func frames(of messages: [[UInt8]], _ framing: some MessageFraming) -> [UInt8] {
    do { return try framing.encoded(messages) } catch { fail("\(messages) cannot be framed: \(error)") }
}

func require(_ condition: Bool, _ what: @autoclosure () -> String) {
    if !condition { fail(what()) }
}

/// A trap tells libFuzzer of a finding, so that it keeps the input.
func fail(_ what: String) -> Never { fatalError(what) }
