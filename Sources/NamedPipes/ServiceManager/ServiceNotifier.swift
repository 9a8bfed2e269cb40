// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

/// Tells the service manager about the state of a service (`sd_notify(3)`), for units with `Type=notify`.
///
/// ```swift
/// let manager = ServiceNotifier.current          // nil if no manager is to be notified
/// let server = try PipeServer(…)
/// try manager?.notify(.ready, .status("listening on \(server.address)"))
/// ```
///
/// A value that any thread may use. A message is one datagram; sending it does not wait.
public struct ServiceNotifier: Hashable, Sendable {
    /// The states to report.
    @nonexhaustive
    public enum State: Hashable, Sendable {
        /// Clients can connect now (`READY=1`).
        case ready

        /// The service is about to end (`STOPPING=1`).
        case stopping

        /// One line for people (`STATUS=`); line feeds become spaces.
        case status(String)
    }

    /// The address of the manager's socket.
    public let address: PipeAddress

    /// Creates a notifier for the manager at an address.
    ///
    /// - Parameter address: a datagram socket.
    public init(address: PipeAddress) { self.address = address }

    /// The manager that started this process, from the environment variable `NOTIFY_SOCKET`: a path, or `@` and an
    /// abstract name. Nil if it is unset or neither of these.
    public static var current: ServiceNotifier? {
        EnvironmentVariable.text("NOTIFY_SOCKET").flatMap(Self.init(variable:))
    }

    init?(variable: String) {
        do {
            switch variable.utf8.first {
            case UInt8(ascii: "/"): self.init(address: try .path(variable))
            case UInt8(ascii: "@"): self.init(address: try .abstract(String(variable.unicodeScalars.dropFirst())))
            default: return nil
            }
        } catch {
            return nil
        }
    }

    /// Tells the manager, in one message.
    ///
    /// - Parameter states: the states to report.
    /// - Throws: ``PipeError/system(_:)``, such as `ECONNREFUSED` if there is no manager, or `EAGAIN` if it is too
    ///   busy. Usually there is nothing to do about it but to continue.
    public func notify(_ states: State...) throws(PipeError) { try notify(states) }

    /// The same with an array of states.
    public func notify(_ states: [State]) throws(PipeError) {
        let text = Array(states.map(\.assignment).joined(separator: "\n").utf8)
        do {
            try Datagram.send(text, to: SocketAddress(address))
        } catch {
            throw .system(error)
        }
    }
}

extension ServiceNotifier.State {
    fileprivate var assignment: String {
        switch self {
        case .ready: "READY=1"
        case .stopping: "STOPPING=1"
        case .status(let text): "STATUS=" + String(text.map { $0.isNewline ? " " : $0 })
        }
    }
}
