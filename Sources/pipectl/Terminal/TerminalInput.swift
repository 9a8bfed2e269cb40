// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram

/// Lines that a person edits on a terminal, while messages arrive that are printed above the line.
///
/// Without a library, because each costs more than it gives: readline(3) has the GPL, and libedit would bring libbsd
/// and terminfo into a program that is otherwise linked statically, for the two dozen keys of ``LineEditor``. That is a
/// value, and ``LineView`` a function of it, so that both are tested without a terminal.
final class TerminalInput: LineSource {
    private let reactor: Reactor
    private let view: LineView
    private let limit: Int
    private let handler: (LineInput.Event) -> Void
    private var decoder = KeyDecoder()
    private var editor = LineEditor()
    private var watch: DescriptorWatch?
    /// While the program is in the background and would read if it were not.
    private var foregroundCheck: ScheduledWork?
    private var hasEnded = false

    /// - Parameters:
    ///   - prompt: what stands in front of the line, ASCII.
    ///   - role: what the prompt means.
    ///   - limit: the longest line; a longer one is a failure.
    ///   - handler: receives the lines.
    init(
        _ reactor: Reactor, prompt: String, _ role: TextRole, limit: Int,
        handler: @escaping (LineInput.Event) -> Void
    ) {
        self.reactor = reactor
        view = LineView(prompt: TextStyle.output.paint(prompt, role), promptWidth: prompt.count)
        self.limit = limit
        self.handler = handler
    }

    /// Whether both ends of the conversation are a terminal on which a line can be drawn again.
    static var isPossible: Bool {
        isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && Terminal.obeysCommands(environment("TERM"))
    }

    func resume() {
        guard watch == nil, !hasEnded else { return }
        guard KeyMode.isInForeground else { return resumeInForeground() }
        do {
            watch = try reactor.watch(STDIN_FILENO, for: .reading) { [unowned self] in readSome() }
        } catch {
            return handler(.failure(Failure(ofInput: error)))
        }
        KeyMode.enter()
        draw()
    }

    /// In the background, another program has the terminal: it would stop this one for reading (SIGTTIN), and the row
    /// of the cursor is not this one's. No event tells when that ends: shells send SIGCONT only to a program that was
    /// stopped.
    private func resumeInForeground() {
        guard foregroundCheck == nil else { return }
        foregroundCheck = reactor.schedule(after: .milliseconds(200)) { [unowned self] in
            foregroundCheck = nil
            resume()
        }
    }

    func pause() {
        foregroundCheck?.cancel()
        foregroundCheck = nil
        guard watch != nil else { return }
        if KeyMode.isInForeground { print(LineView.clear) }
        stopReading()
    }

    private func stopReading() {
        watch?.cancel()
        watch = nil
        KeyMode.leave()
    }

    /// A line that was begun.
    var hasMore: Bool { editor.byteCount > 0 }

    func printAbove(_ body: () throws(Failure) -> Void) throws(Failure) {
        guard watch != nil else { return try body() }
        print(LineView.clear)
        defer { draw() }
        try body()
    }

    private func readSome() {
        guard KeyMode.isInForeground else {
            stopReading()
            return resumeInForeground()
        }
        do {
            guard let bytes = try NamedPipesProgram.readSome(STDIN_FILENO, atMost: 4096) else { return }
            guard !bytes.isEmpty else { return end(.end) }
            press(decoder.append(bytes))
        } catch {
            end(.failure(Failure(ofInput: error)))
        }
    }

    private func press(_ keys: [Key]) {
        // A key may end the input for those that were typed behind it.
        for key in keys where !hasEnded { obey(editor.press(key)) }
        if watch != nil { draw() }
    }

    private func obey(_ effect: LineEditor.Effect) {
        switch effect {
        case .none: break
        case .entered(let line):
            print(view.entered(line))
            handler(.lines([Array(line.utf8)]))
        case .ended: end(.end)
        case .clearsScreen: print("\u{1B}[H\u{1B}[2J")
        case .suspends:
            print(LineView.clear)
            KeyMode.suspend()
            if !KeyMode.isInForeground {
                stopReading()
                resumeInForeground()
            }
        }
        guard editor.byteCount > limit else { return }
        end(.failure(Failure("the line exceeds \(limit) bytes (--max-message raises it, at both ends)")))
    }

    /// Reads no more.
    private func end(_ event: LineInput.Event) {
        guard !hasEnded else { return }
        hasEnded = true
        pause()
        handler(event)
    }

    private func draw() { print(view.drawing(editor.before, editor.after, columns: Terminal.size.columns)) }

    private func print(_ text: String) {
        do {
            try StandardOutput.write(text)
        } catch {
            // The terminal has gone, which the next read tells.
        }
    }
}
