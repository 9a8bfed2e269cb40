// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// Bytes become lines, however they arrive. The last line needs no line feed.
struct LineSplitter {
    /// The beginning of an unfinished line.
    private var rest: [UInt8] = []

    /// The lines that these bytes finish.
    mutating func append(_ bytes: ArraySlice<UInt8>) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var bytes = bytes
        while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(rest + bytes[..<end])
            rest.removeAll()
            bytes = bytes[(end + 1)...]
        }
        rest += bytes
        return lines
    }

    /// The line that nothing finished, if there is one.
    mutating func finish() -> [UInt8]? {
        defer { rest = [] }
        return rest.isEmpty ? nil : rest
    }

    /// How long the unfinished line is already.
    var pendingByteCount: Int { rest.count }
}

/// Standard input as lines, read when there is something and only while it is wanted.
final class LineInput {
    enum Event {
        case lines([[UInt8]])
        case end
        case failure(Failure)
    }

    private let reactor: Reactor
    private let limit: Int
    private let handler: (Event) -> Void
    private var splitter = LineSplitter()
    private var watch: DescriptorWatch?

    /// - Parameter limit: the longest line; a longer one is a failure before memory runs out.
    init(_ reactor: Reactor, limit: Int, handler: @escaping (Event) -> Void) {
        self.reactor = reactor
        self.limit = limit
        self.handler = handler
    }

    /// Reads on. Without effect while it reads.
    func resume() {
        guard watch == nil else { return }
        do {
            watch = try reactor.watch(STDIN_FILENO, for: .reading) { [unowned self] in readSome() }
        } catch {
            handler(.failure(Failure(ofInput: error)))
        }
    }

    /// Reads no more until ``resume()``; the writer has to wait.
    func pause() {
        watch?.cancel()
        watch = nil
    }

    private func readSome() {
        do {
            guard let bytes = try NamedPipesProgram.readSome(STDIN_FILENO, atMost: 64 << 10) else { return }
            if !bytes.isEmpty { return take(splitter.append(bytes[...])) }
            pause()
            take(splitter.finish().map { [$0] } ?? [])
            handler(.end)
        } catch {
            pause()
            handler(.failure(Failure(ofInput: error)))
        }
    }

    private func take(_ lines: [[UInt8]]) {
        if !lines.isEmpty { handler(.lines(lines)) }
        guard splitter.pendingByteCount > limit else { return }
        pause()
        handler(.failure(Failure("a line of the input exceeds \(limit) bytes (--max-message raises it, at both ends)")))
    }
}
