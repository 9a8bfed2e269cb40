// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The command line of an echo server: `PROGRAM SOCKET [OPTION VALUE]…`, the same for all of them.
public struct EchoOptions: Sendable {
    public enum Option: String, Sendable {
        /// How long to poll before blocking, in microseconds.
        case poll
        /// SO_SNDBUF of every connection, in bytes.
        case sendBuffer = "send-buffer"
        /// SO_RCVBUF of every connection, in bytes.
        case receiveBuffer = "receive-buffer"
        /// The number of reactors of a pool; without it, there is one server and no pool.
        case reactors
        /// The CPU time that the delegate takes for each message, in microseconds.
        case work
        /// How long a message that begins with "hold" blocks the thread of its delegate, in milliseconds.
        case hold
        /// The number of threads beside the server's that do nothing.
        case idleThreads = "idle-threads"
        /// Whether messages are received in batches: 1 or 0.
        case batches
        /// Whether gRPC delays what it writes, up to 100 µs, to write more at once: 1 or 0.
        case flushCoalescing = "flush-coalescing"

        fileprivate var unit: String {
            switch self {
            case .poll, .work: "MICROSECONDS"
            case .hold: "MILLISECONDS"
            case .sendBuffer, .receiveBuffer: "BYTES"
            case .reactors, .idleThreads: "NUMBER"
            case .batches, .flushCoalescing: "0|1"
            }
        }
    }

    /// The path of the socket to listen on.
    public let socket: String
    private var values: [Option: Int] = [:]

    /// The value of an option, or nil if it was not given.
    public subscript(option: Option) -> Int? { values[option] }

    /// Reads the command line; an argument that the server does not understand ends it with a usage line and status 2.
    ///
    /// - Parameter supported: the options that apply to this server.
    public init(supporting supported: [Option] = []) {
        var arguments = CommandLine.arguments.dropFirst()
        guard let socket = arguments.popFirst(), !socket.hasPrefix("--") else { Self.exitWithUsage(supported) }
        self.socket = socket
        while let argument = arguments.popFirst() {
            guard let option = supported.first(where: { "--\($0.rawValue)" == argument }),
                let value = arguments.popFirst().flatMap({ Int32($0) }), value >= 0
            else { Self.exitWithUsage(supported) }
            values[option] = Int(value)
        }
    }

    private static func exitWithUsage(_ supported: [Option]) -> Never {
        let program = CommandLine.arguments.first.map { $0.split(separator: "/").last ?? "" } ?? ""
        let options = supported.map { " [--\($0.rawValue) \($0.unit)]" }.joined()
        let usage = "usage: \(program) SOCKET\(options)\n"
        _ = unsafe usage.withCString { unsafe write(STDERR_FILENO, $0, strlen($0)) }
        exit(2)
    }
}

/// Runs an async server as a task on its reactor, and ends the program with status 1 if the server fails.
public func startServing(on executor: any TaskExecutor, _ serve: @escaping @Sendable () async throws -> Void) {
    Task(executorPreference: executor) {
        do {
            try await serve()
        } catch {
            let line = "\(error)\n"
            _ = unsafe line.withCString { unsafe write(STDERR_FILENO, $0, strlen($0)) }
            exit(1)
        }
    }
}

/// Allows this process as many descriptors as it may have (getrlimit(2)): every client needs one.
public func raiseDescriptorLimit() {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
