// SPDX-License-Identifier: Apache-2.0

/// The command line of a load of calls: the options of `c-load` that a closed loop has, and those of one program.
public struct LoadOptions: Sendable {
    /// The server's socket.
    public private(set) var path = ""
    var connections = 1
    var inFlight = 1
    /// The length of the text that a call sends, in bytes.
    var size = 32
    var time = Duration.seconds(1)
    var warmUp = Duration.milliseconds(100)
    var server: Int32?
    private var additional: [String: Int] = [:]

    /// Reads the command line; an argument that the load does not understand ends it with status 1.
    ///
    /// - Parameter supported: the options, with a number each, that only this program has.
    public init(supporting supported: [String] = []) {
        var rest = CommandLine.arguments.dropFirst()
        while let name = rest.popFirst() {
            guard let value = rest.popFirst(), take(name, value, supported) else {
                end(with: "\(name) is no option, or has no valid value")
            }
        }
        guard !path.isEmpty, connections > 0, inFlight > 0, size >= CallText.shortest else {
            end(with: "--path SOCKET is missing, or a number is too small")
        }
    }

    /// The value of an option that only this program has; nil if it was not given.
    public subscript(option: String) -> Int? { additional[option] }

    /// Whether the command line was valid.
    private mutating func take(_ name: String, _ value: String, _ supported: [String]) -> Bool {
        switch name {
        case "--path": path = value
        case "--connections": connections = Int(value) ?? 0
        case "--in-flight": inFlight = Int(value) ?? 0
        case "--size": size = Int(value) ?? 0
        case "--seconds": return set(\.time, Double(value).map { .seconds($0) })
        case "--warm-up": return set(\.warmUp, Double(value).map { .seconds($0) })
        case "--server-pid":
            server = Int32(value)
            return server != nil
        case _ where supported.contains(name):
            additional[name] = Int(value)
            return additional[name] != nil
        default: return false
        }
        return true
    }

    private mutating func set(_ duration: WritableKeyPath<LoadOptions, Duration>, _ value: Duration?) -> Bool {
        guard let value else { return false }
        self[keyPath: duration] = value
        return true
    }
}
