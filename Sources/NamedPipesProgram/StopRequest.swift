// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What the first signal does: it calls the functions that stop parts of the program, or else takes the default action.
final class StopRequest: Sendable {
    /// What happens if no function is registered.
    enum Default: Sendable {
        /// The signal ends the process.
        case die
        /// The task of the program's function is cancelled. Also when the last function has been removed again, because
        /// from then on nothing else would end the program's function.
        case cancel(@Sendable () -> Void)
    }

    private struct State {
        /// The signal's number.
        var signal: Int32?
        /// Nil until it is known; a signal that comes before is remembered.
        var byDefault: Default?
        var functions: [Int: @Sendable () -> Void] = [:]
        var nextKey = 0
    }

    private let state = Mutex(State())

    /// Whether a signal has come.
    var isMade: Bool { state.withLock { $0.signal != nil } }

    /// Called with the first signal, on any thread.
    func make(by number: Int32) {
        let (functions, byDefault) = state.withLock { state in
            state.signal = number
            return (Array(state.functions.values), state.functions.isEmpty ? state.byDefault : nil)
        }
        for function in functions { function() }
        perform(byDefault, number)
    }

    /// Sets the default action, and takes it if a signal has come before.
    func setDefault(_ byDefault: Default) {
        let number = state.withLock { state in
            state.byDefault = byDefault
            return state.functions.isEmpty ? state.signal : nil
        }
        if let number { perform(byDefault, number) }
    }

    /// Registers a function, and calls it at once if a signal has come before.
    ///
    /// - Returns: the key for ``remove(_:)``.
    func add(_ function: @escaping @Sendable () -> Void) -> Int {
        let (key, isMade) = state.withLock { state in
            defer { state.nextKey += 1 }
            state.functions[state.nextKey] = function
            return (state.nextKey, state.signal != nil)
        }
        if isMade { function() }
        return key
    }

    /// Removes a function: this part of the program has stopped, or no longer needs to.
    func remove(_ key: Int) {
        let byDefault = state.withLock { state in
            state.functions[key] = nil
            return state.signal != nil && state.functions.isEmpty ? state.byDefault : nil
        }
        if case .cancel(let cancel) = byDefault { cancel() }
    }

    private func perform(_ byDefault: Default?, _ number: Int32) {
        switch byDefault {
        case .die: StopSignals.die(by: number)
        case .cancel(let cancel): cancel()
        case nil: break
        }
    }
}
