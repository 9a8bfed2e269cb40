// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// Splits bytes into lines, however they arrive. The last line needs no line feed.
struct LineSplitter {
    /// The beginning of a partial line.
    private var rest: [UInt8] = []

    /// The lines that these bytes complete.
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

    /// The last line, if no line feed completed it.
    mutating func finish() -> [UInt8]? {
        defer { rest = [] }
        return rest.isEmpty ? nil : rest
    }

    /// The present length of the partial line.
    var pendingByteCount: Int { rest.count }
}

/// Lines that are sent as messages, read only while there is something and the owner wants it.
protocol LineSource: AnyObject {
    /// Resumes reading. Has no effect while it reads.
    func resume()

    /// Stops reading until ``resume()``; the writer has to wait.
    func pause()

    /// Whether there is input now that was not read. May take a byte of it: for the end of a command.
    var hasMore: Bool { get }

    /// Calls a function that prints something, so that what is being typed stays legible.
    func printAbove(_ body: () throws(Failure) -> Void) throws(Failure)
}

/// Standard input as lines.
final class LineInput: LineSource {
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

    /// - Parameter limit: the longest line; a longer one is a failure, before memory is exhausted.
    init(_ reactor: Reactor, limit: Int, handler: @escaping (Event) -> Void) {
        self.reactor = reactor
        self.limit = limit
        self.handler = handler
    }

    func resume() {
        guard watch == nil else { return }
        do {
            watch = try reactor.watch(STDIN_FILENO, for: .reading) { [unowned self] in readSome() }
        } catch {
            handler(.failure(Failure(ofInput: error)))
        }
    }

    func pause() {
        watch?.cancel()
        watch = nil
    }

    var hasMore: Bool {
        var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&input, 1, 0) == 1 else { return false }
        do { return try NamedPipesProgram.readSome(STDIN_FILENO, atMost: 1)?.isEmpty == false } catch { return false }
    }

    func printAbove(_ body: () throws(Failure) -> Void) throws(Failure) { try body() }

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
