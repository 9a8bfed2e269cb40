// SPDX-License-Identifier: Apache-2.0
internal import var Glibc.EOPNOTSUPP
internal import PipeReactor

// What the kernel tells about the other end beyond PeerCredentials, for a system call each and only if asked.

extension PipeConnection {
    /// The peer's supplementary groups (`SO_PEERGROUPS`, socket(7)), as of the moment of connecting.
    ///
    /// - Returns: their numbers; none where there is no socket (`NamedPipesTesting`).
    /// - Throws: ``PipeError/notConnected`` after the end, ``PipeError/system(_:)``.
    public func supplementaryGroupIDs() throws(PipeError) -> [UInt32] {
        guard lifecycle.state != .closed else { throw .notConnected }
        do {
            return try stream.peerGroups()
        } catch {
            throw .system(error)
        }
    }

    /// Pins the process that connected, so that its number cannot come to mean another one meanwhile (`SO_PEERPIDFD`,
    /// Linux 6.5).
    ///
    /// ```swift
    /// let process = try connection.verifiedProcess()
    /// let program = readlink("/proc/\(process.processID)/exe")
    /// guard process.isRunning else { ... }      // otherwise, what was read may be a stranger's
    /// ```
    ///
    /// It costs a descriptor for as long as the value lives. The process that connected need not be the one that
    /// writes: it may have passed the connection on.
    ///
    /// - Throws: ``PipeError/peerProcessUnavailable(_:)``, also where there is no socket (`NamedPipesTesting`);
    ///   ``PipeError/notConnected`` after the end. The connection goes on.
    public func verifiedProcess() throws(PipeError) -> VerifiedProcess {
        guard lifecycle.state != .closed else { throw .notConnected }
        do {
            return VerifiedProcess(try stream.peerProcess(), peer.processID)
        } catch {
            throw .peerProcessUnavailable(error)
        }
    }
}

/// A process that is held by a descriptor (`pidfd_open(2)`) rather than by its number, which may be given to another.
public struct VerifiedProcess: ~Copyable, Sendable {
    /// Its number, as seen from this PID namespace; 0 if it is not visible here. It is certainly this process's for as
    /// long as ``isRunning`` is true.
    public let processID: Int32

    private let process: OwnedDescriptor

    init(_ process: consuming OwnedDescriptor, _ processID: Int32) {
        self.process = process
        self.processID = processID
    }

    /// The descriptor, for calls such as `pidfd_send_signal(2)`. Close-on-exec, and closed when this value ends.
    public var descriptor: Int32 { process.rawValue }

    /// Whether the process has not ended. False as well where the kernel has no memory to answer with: only what is
    /// certain counts.
    public var isRunning: Bool {
        do { return try Socket.isProcessRunning(process) } catch { return false }
    }
}
