// SPDX-License-Identifier: Apache-2.0

/// The command line: the options of `c-load` that a closed loop has.
struct Options {
    var path = ""
    var connections: UInt32 = 1
    var inFlight: UInt64 = 1
    var size = 64
    var time = Duration.seconds(1)
    var warmUp = Duration.milliseconds(100)
    var server: Int32?
    var busyPollingTime = Duration.zero

    init(_ arguments: ArraySlice<String>) {
        var rest = arguments
        while let name = rest.popFirst() {
            guard let value = rest.popFirst(), take(name, value) else { end(with: "what is \(name)?") }
        }
        guard !path.isEmpty, connections > 0, inFlight > 0, size >= 16 else { end(with: "--path SOCKET is missing") }
    }

    /// Whether the command line was valid.
    private mutating func take(_ name: String, _ value: String) -> Bool {
        switch name {
        case "--path": path = value
        case "--connections": connections = UInt32(value) ?? 0
        case "--in-flight": inFlight = UInt64(value) ?? 0
        case "--size": size = Int(value) ?? 0
        case "--seconds": time = .seconds(Double(value) ?? 1)
        case "--warm-up": warmUp = .seconds(Double(value) ?? 0.1)
        case "--poll": busyPollingTime = .microseconds(Int(value) ?? 0)
        case "--server-pid": server = Int32(value)
        default: return false
        }
        return true
    }
}
