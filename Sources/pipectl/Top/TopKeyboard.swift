// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NamedPipes
internal import NamedPipesProgram
internal import NamedPipesRPC

/// What the keys have chosen while `pipectl top` runs on a terminal. A value: it reads nothing.
struct TopChoice: Equatable {
    var order: ConnectionList.Order

    enum Effect: Equatable {
        case none
        /// The list is to be drawn again at once.
        case refreshes
        /// Ctrl-Z.
        case suspends
        case quits
    }

    mutating func press(_ key: Key) -> Effect {
        switch key {
        case .right, .scalar(">"): order = neighbour(1)
        case .left, .scalar("<"): order = neighbour(-1)
        case .scalar(" "), .enter: break
        case .scalar("q"), .scalar("Q"): return .quits
        case .control("Z"): return .suspends
        default: return .none
        }
        return .refreshes
    }

    private func neighbour(_ step: Int) -> ConnectionList.Order {
        let all = ConnectionList.Order.allCases
        let index = all.firstIndex(of: order) ?? 0
        return all[(index + step + all.count) % all.count]
    }
}

/// The keys of the person who watches `pipectl top` on a terminal. On the reactor's thread.
final class TopKeyboard {
    private(set) var choice: TopChoice
    /// Whether the person has seen enough.
    private(set) var hasQuit = false
    /// Whether a key wants the list to be drawn again. It may come while a request is under way, before the next wait.
    private(set) var isWoken = false
    private var decoder = KeyDecoder()
    private var watch: DescriptorWatch?
    private var pause: Task<Void, any Error>?

    init(_ choice: TopChoice) { self.choice = choice }

    /// Reads keys from now on, if standard input is a terminal and the program is in its foreground. To be called
    /// again from time to time: no event tells of the foreground.
    func listen(on reactor: Reactor) throws(SystemError) {
        guard isatty(STDIN_FILENO) == 1, KeyMode.isInForeground else { return }
        if watch == nil {
            watch = try reactor.watch(STDIN_FILENO, for: .reading) { [unowned self] in readSome() }
        }
        KeyMode.enter()
    }

    /// Leaves the terminal as it was found.
    func stop() {
        guard let watch else { return }
        watch.cancel()
        self.watch = nil
        KeyMode.leave()
    }

    /// Waits; a key that changes something ends the wait, also one that came since the last.
    func wait(_ time: Duration) async throws {
        if !isWoken {
            let pause = Task { try await Task.sleep(for: time) }
            self.pause = pause
            await withTaskCancellationHandler {
                _ = await pause.result
            } onCancel: {
                pause.cancel()
            }
        }
        isWoken = false
        try Task.checkCancellation()
    }

    func press(_ key: Key) {
        switch choice.press(key) {
        case .none: return
        case .refreshes: break
        case .suspends: KeyMode.suspend()
        case .quits: hasQuit = true
        }
        isWoken = true
        pause?.cancel()
    }

    private func readSome() {
        // They are typed for another program, and reading them would stop this one (SIGTTIN).
        guard KeyMode.isInForeground else { return stop() }
        do {
            guard let bytes = try NamedPipesProgram.readSome(STDIN_FILENO, atMost: 256) else { return }
            guard !bytes.isEmpty else { return stop() }
            decoder.append(bytes).forEach(press)
        } catch {
            // The terminal has gone, which the next report tells.
            stop()
        }
    }
}
