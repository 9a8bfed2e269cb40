// SPDX-License-Identifier: Apache-2.0
internal import var Glibc.EOPNOTSUPP
internal import PipeReactor

// What the kernel knows about the peer beyond PeerCredentials. Each question costs a system call.

extension PipeConnection {
    /// The peer's supplementary groups (`SO_PEERGROUPS`, socket(7)), as they were when it connected.
    ///
    /// - Returns: the IDs of the groups; none if there is no socket (`NamedPipesTesting`).
    /// - Throws: ``PipeError/notConnected(_:)`` after the end, ``PipeError/system(_:)``.
    public func supplementaryGroupIDs() throws(PipeError) -> [UInt32] {
        guard lifecycle.state != .closed else { throw .notConnected(lifecycle.missing) }
        do {
            return try stream.peerGroups()
        } catch {
            throw .system(error)
        }
    }

    /// The process that connected, identified by a descriptor (`SO_PEERPIDFD`, Linux 6.5): its ID may be given to
    /// another process later.
    ///
    /// ```swift
    /// let process = try connection.verifiedProcess()
    /// let program = readlink("/proc/\(process.processID)/exe")
    /// guard process.isRunning else { ... }      // otherwise, the path may be another process's
    /// ```
    ///
    /// It takes a descriptor as long as the value lives. The process that connected need not be the one that writes: it
    /// may have passed the connection on.
    ///
    /// - Throws: ``PipeError/peerProcessUnavailable(_:)``, also if there is no socket (`NamedPipesTesting`);
    ///   ``PipeError/notConnected(_:)`` after the end. After an error, the connection goes on.
    public func verifiedProcess() throws(PipeError) -> VerifiedProcess {
        guard lifecycle.state != .closed else { throw .notConnected(lifecycle.missing) }
        do {
            return VerifiedProcess(try stream.peerProcess(), peer.processID)
        } catch {
            throw .peerProcessUnavailable(error)
        }
    }
}

/// A process that is identified by a descriptor (`pidfd_open(2)`) rather than by its ID, which may be given to another
/// process.
public struct VerifiedProcess: ~Copyable, Sendable {
    /// Its ID in this PID namespace; 0 if it is not visible here. As long as ``isRunning`` is true, the ID certainly
    /// belongs to this process.
    public let processID: Int32

    private let process: OwnedDescriptor

    init(_ process: consuming OwnedDescriptor, _ processID: Int32) {
        self.process = process
        self.processID = processID
    }

    /// The descriptor, for calls such as `pidfd_send_signal(2)`. Close-on-exec, and closed when this value ends.
    public var descriptor: Int32 { process.rawValue }

    /// Whether the process is certainly running: false if it has ended, and also if the kernel has no memory for an
    /// answer.
    public var isRunning: Bool {
        do { return try Socket.isProcessRunning(process) } catch { return false }
    }
}
