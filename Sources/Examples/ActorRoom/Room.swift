// SPDX-License-Identifier: Apache-2.0
import NamedPipes

/// A room in which every visitor hears what is said, with a memory: an actor that lives on the reactor.
///
/// Handlers of connections run on the same thread, so their calls to this actor are function calls, and nothing is
/// locked. Tasks elsewhere await the room as any other actor, at the price of a hop.
actor Room {
    /// The group of the room's members.
    static let group: PipeGroup = "room"

    private static let rememberedLineCount = 20

    nonisolated let executor: ReactorExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private var names: Set<String> = []
    private var history: [String] = []
    private(set) var spokenLineCount = 0

    init(on executor: ReactorExecutor) { self.executor = executor }

    /// The names of those present, in alphabetical order.
    var members: [String] { names.sorted() }

    /// Takes a name that no other visitor has.
    ///
    /// - Returns: what was said before, or nil if the name is taken.
    func enter(as name: String) -> [String]? { names.insert(name).inserted ? history : nil }

    func leave(_ name: String) { names.remove(name) }

    /// Remembers a line, and returns it in the form for the other visitors.
    func say(_ line: String, as name: String) -> String {
        spokenLineCount += 1
        let text = "\(name): \(line)"
        history = (history + [text]).suffix(Self.rememberedLineCount)
        return text
    }
}
