// SPDX-License-Identifier: Apache-2.0
import NamedPipes
import PipeTestSupport

/// Any bytes give the same messages and the same error in one piece, cut at will, and one by one; and the messages,
/// framed again, come back.
func cut(_ input: inout Input, _ framing: some MessageFraming) {
    let cuts = input.bytes(4).map(Int.init)
    let stream = input.rest()
    let whole = Outcome(of: stream, cutAt: [], framing)
    let positions = cuts.map { stream.isEmpty ? 0 : $0 * stream.count / 256 }.sorted()
    require(Outcome(of: stream, cutAt: positions, framing) == whole, "cut at \(positions)")
    if stream.count <= 300 {
        require(Outcome(of: stream, cutAt: Array(0..<stream.count), framing) == whole, "one byte at a time")
    }
    let again = Outcome(of: frames(of: whole.messages, framing), cutAt: [], framing)
    require(again == Outcome(messages: whole.messages), "framed again")
}

/// What a reader makes of a stream: the messages, and how it ended.
struct Outcome: Hashable {
    var messages: [[UInt8]] = []
    var error: FramingError?
    var unfinishedByteCount = 0
}

extension Outcome {
    /// As a connection reads: it keeps what is unfinished, and looks again when the framing says that it is worth it.
    init(of stream: [UInt8], cutAt cuts: [Int], _ framing: any MessageFraming) {
        var unread = FrameBuffer()
        var scanned = 0
        var awaited = 1
        var start = 0
        do throws(FramingError) {
            for end in cuts + [stream.count] {
                unread.append(contentsOf: stream[start..<end].span)
                start = end
                guard unread.byteCount >= awaited else { continue }
                let walk = try framing.scanFrames(in: unread.span, scannedByteCount: scanned) { message in
                    messages.append(Array(lent: message))
                    return true
                }
                unread.removeFirst(walk.consumedByteCount)
                scanned = walk.scannedByteCount
                awaited = walk.frameByteCount ?? unread.byteCount + 1
            }
            unfinishedByteCount = unread.byteCount
        } catch {
            self.error = error
        }
    }
}

func frames(of messages: [[UInt8]], _ framing: any MessageFraming) -> [UInt8] {
    var output = FrameBuffer()
    for message in messages {
        do { try framing.encode(message.span, into: &output) } catch { fail("\(message) cannot be framed: \(error)") }
    }
    return Array(lent: output.span)
}

func require(_ condition: Bool, _ what: @autoclosure () -> String) {
    if !condition { fail(what()) }
}

/// A trap is how libFuzzer learns of a finding, and keeps the input.
func fail(_ what: String) -> Never { fatalError(what) }
