// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

extension AcceptedConnection {
    /// Takes over the connection with which this program was started; nil if there is none.
    ///
    /// | Started by | The connection |
    /// |---|---|
    /// | ``PipeClient/init(spawning:configuration:reactor:delegate:)`` | the descriptor in `NAMED_PIPES_FD` |
    /// | a service manager with `Accept=yes` (systemd.socket(5)) | descriptor 3; `LISTEN_FDS` is 1 |
    /// | inetd, or a service manager with `StandardInput=socket` | standard input and output |
    ///
    /// The variables are removed from the environment, so that no child process takes the same connection. For standard
    /// input and output, ``standardStreams()`` says what becomes of them. A listening socket is no connection;
    /// ``InheritedListener`` takes it.
    ///
    /// Only a Unix socket has a ``peer`` that the kernel names. A TCP connection has none.
    ///
    /// - Throws: ``PipeError/unusableConnection(_:)`` if the descriptor in `NAMED_PIPES_FD` is no connection;
    ///   ``PipeError/system(_:)``.
    public static func inherited() throws(PipeError) -> AcceptedConnection? { try inherited(announcedAt: 3) }

    /// - Parameter first: the first descriptor of sd_listen_fds(3); another one in tests.
    static func inherited(announcedAt first: Int32) throws(PipeError) -> AcceptedConnection? {
        if let text = EnvironmentVariable.take(PipeCommand.descriptorVariable) {
            return try AcceptedConnection(adopting: Int32(text) ?? -1)
        }
        if announcesOneSocket, try isConnected(first) { return try takeAnnounced(first) }
        return try isConnected(0) ? standardStreams() : nil
    }

    private static var announcesOneSocket: Bool {
        EnvironmentVariable.text("LISTEN_FDS") == "1"
            && EnvironmentVariable.text("LISTEN_PID") == "\(CurrentProcess.processID)"
    }

    private static func takeAnnounced(_ socket: Int32) throws(PipeError) -> AcceptedConnection {
        for name in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID"] {
            _ = EnvironmentVariable.take(name)
        }
        do {
            if try InheritedSocket.isLocalStream(socket) { return try AcceptedConnection(adopting: socket) }
            let output = try SharedDescription.duplicate(socket)
            return try AcceptedConnection(reading: socket, writing: output.release())
        } catch let error as PipeError {
            throw error
        } catch let error as SystemError {
            throw .system(error)
        } catch {
            preconditionFailure("\(error): no such error")
        }
    }

    private static func isConnected(_ descriptor: Int32) throws(PipeError) -> Bool {
        do { return try InheritedSocket.isConnectedStream(descriptor) } catch { throw .system(error) }
    }
}
