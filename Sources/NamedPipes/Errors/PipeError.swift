// SPDX-License-Identifier: Apache-2.0

/// The errors of this library's calls. Each case of a limit carries the actual value and the limit.
///
/// A connection that ends is not an error: see ``DisconnectReason``.
@nonexhaustive
public enum PipeError: Error, Hashable, Sendable {
    /// The text or path cannot be an address.
    case invalidAddress(InvalidAddress)

    /// A live server already holds the name; it was left untouched. `holder` is its process, if known.
    case addressInUse(PipeAddress, holder: Int32?)

    /// The live server whose name was to be taken over did not give it up in time; it was left as it was, and still
    /// serves if it is alive. `holder` is its process, if known.
    case takeOverTimedOut(PipeAddress, holder: Int32?)

    /// The place of the socket file cannot be trusted or used; nothing there was changed.
    case unusableLocation(path: String, UnusableLocation)

    /// The listener from the service manager cannot be served; it was left unchanged.
    case inheritedListener(InvalidInheritedListener)

    /// The descriptor cannot be adopted as a connection; it was left open and unchanged.
    case unusableConnection(UnusableConnection)

    /// The connection cannot be detached; it continues as before.
    case cannotDetach(UndetachableConnection)

    /// The setting cannot change any more; nothing was changed.
    case cannotChange(FixedSetting)

    /// The connection cannot be upgraded, because this many bytes of earlier messages are not sent yet; nothing was
    /// changed.
    case outputPending(byteCount: Int)

    /// No server listens at the address: there is no such name, or a name left behind (`ENOENT`, `ECONNREFUSED`).
    case noServer(PipeAddress)

    /// The server's queue of clients to accept stayed full until the deadline (`EAGAIN` of connect(2)).
    case backlogFull(PipeAddress)

    /// The kernel refused the caller at this name (`EACCES`, `EPERM`).
    case accessDenied(PipeAddress)

    /// The server is run by a user whom ``PipeClient/Configuration/requiredPeer`` does not admit. Not one byte was
    /// sent.
    case peerRefused(PeerCredentials)

    /// The link to a broker could not carry the connect, for the reason that the text gives: there is no broker, it
    /// does not permit the subject, or the server speaks another version.
    case linkFailed(String)

    /// The program cannot be started (`posix_spawn(3)`): there is none (`ENOENT`), it may not be executed (`EACCES`),
    /// or a resource is missing.
    case cannotStart(program: String, SystemError)

    /// The peer's process cannot be pinned: it has ended and left no trace (`ENODATA`, `ESRCH`), no descriptor is free
    /// (`EMFILE`, `ENFILE`), or the kernel does not support it (`ENOPROTOOPT`, before Linux 6.5).
    case peerProcessUnavailable(SystemError)

    /// The message is larger than the framing's maximum; nothing of it was sent.
    case messageTooLarge(byteCount: Int, limit: Int)

    /// The connection's send queue has no room for the message; nothing of it was sent.
    case sendQueueFull(limit: Int)

    /// A budget of the server has no room for the message, of which nothing was sent; or is smaller than what is in
    /// use (``PipeServer/reconfigure(_:)``), and nothing was changed.
    case budgetExceeded(ExceededBudget)

    /// The message cannot be sent with these descriptors; nothing was sent, and the descriptors are unchanged.
    case descriptorsNotSent(DescriptorSendProblem)

    /// The server does not listen at a socket, or not any more; nothing was changed.
    case notListening

    /// There is no open connection to send on: there never was, there is none yet, or it is over.
    case notConnected(MissingConnection)

    /// Messages cannot be sent through a FIFO: a server only receives from it.
    case receiveOnly

    /// The address is a FIFO, whose writers cannot be identified, and the access policy depends on who they are. Use
    /// ``AccessPolicy/anyUser``, and control access with the permissions of the file.
    case policyNeedsIdentity(PipeAddress)

    /// The connection ended before that, and not by a close: thrown by ``AsyncPipeConnection``.
    case disconnected(DisconnectReason)

    /// The server closed the connection before anything came back; with the likely causes. Thrown by
    /// ``PipeClient/withConnection(to:configuration:on:_:)`` in place of ``disconnected(_:)``.
    case closedUnanswered(DisconnectReason, UnansweredClose)

    /// The connection ended before this many messages that `send` had accepted were handed to the kernel, one of them
    /// perhaps in part. The peer has certainly not received them whole. Thrown by
    /// ``PipeClient/withConnection(to:configuration:on:_:)`` after its function has returned; an async server reports
    /// it as ``PipeServer/ServeEvent/handlerFailed(_:_:_:)``.
    case messagesUnsent(count: Int, DisconnectReason)

    /// The deadline passed first.
    case timedOut

    /// The message cannot be expressed in the framing, for a reason other than its size.
    case framing(FramingError)

    /// A system call failed in a way that no other case describes.
    case system(SystemError)
}

/// The reason for which a text or a path is not an address.
@nonexhaustive
public enum InvalidAddress: Error, Hashable, Sendable {
    /// An empty text, or an empty name.
    case empty

    /// A NUL byte, which `sockaddr_un` cannot carry.
    case containsNUL

    /// A socket path that does not begin with a slash.
    case notAbsolute(path: String)

    /// A path with an empty, `.` or `..` component or a slash at its end: one socket would have several spellings.
    case notNormalized(path: String)

    /// A name with a slash, or one of `.` and `..`: it would leave its directory. Also .NET's reserved `anonymous`.
    case notAName(String)

    /// A URL of a NATS broker (`nats://…`), which no local socket has: the product `NamedPipesNATS` serves and reaches
    /// it, see its `NATSAddress`.
    case atBroker

    /// More bytes than the address structure holds (`sun_path`, unix(7)): 107 in a path, 107 after the `@` of an
    /// abstract name.
    case tooLong(byteCount: Int, limit: Int)
}

/// The problem with a listener that a service manager handed over.
@nonexhaustive
public enum InvalidInheritedListener: Hashable, Sendable {
    /// The variables that announce it make no sense.
    case environment(InvalidListenEnvironment)

    /// There is no such descriptor.
    case notOpen(descriptor: Int32)

    /// It is not a Unix socket, or its type is not `SOCK_STREAM`.
    case notALocalStream(descriptor: Int32)

    /// It does not listen (`SO_ACCEPTCONN`, socket(7)).
    case notListening(descriptor: Int32)

    /// It is bound to no name.
    case unusableName(descriptor: Int32)

    /// A server was already made from the listener of this name, and a listener makes only one.
    case alreadyServed(name: String)
}

/// The reason why a descriptor is not a connection that a server can adopt.
@nonexhaustive
public enum UnusableConnection: Hashable, Sendable {
    /// There is no such descriptor.
    case notOpen(descriptor: Int32)

    /// It is not a Unix socket, or its type is not `SOCK_STREAM`.
    case notALocalStream(descriptor: Int32)

    /// It is not one end of a connection (`ENOTCONN` of getpeername(2)): it listens, or never connected.
    case notConnected(descriptor: Int32)

    /// It is to be read, and is open for writing only.
    case notReadable(descriptor: Int32)

    /// It is to be written, and is open for reading only.
    case notWritable(descriptor: Int32)
}

/// The reason why a connection cannot leave its owner; see ``PipeConnection/detach(_:)``.
@nonexhaustive
public enum UndetachableConnection: Hashable, Sendable {
    /// It has no socket, but a transport of another kind, such as memory in tests.
    case noSocket

    /// It is an ``AsyncPipeConnection`` as well: messages that wait for a task would be lost. Use
    /// ``AsyncPipeConnection/detach()``.
    case handledByTasks

    /// It belongs to a client, which would connect again.
    case belongsToClient

    /// Descriptors have arrived with a message that was not delivered or received yet, and bytes alone can be handed
    /// over. Once the message is delivered, and the descriptors are taken, the same call may succeed.
    case holdsDescriptors
}

/// The problem with a socket file's location.
@nonexhaustive
public enum UnusableLocation: Hashable, Sendable {
    /// This directory of the path does not exist.
    case missingDirectory

    /// This component of the path is not a directory.
    case notADirectory

    /// This directory may not be searched or written by this user.
    case notPermitted

    /// No file can be made in this directory: this user may not, or its file system does not support it (`/proc`).
    case notWritable

    /// Other users may write to the directory (no sticky bit), or it belongs to neither this user nor root: they could
    /// replace the name with another socket. The path may be that of a directory above the socket's.
    case insecureDirectory(owner: UInt32, mode: UInt32)

    /// The name or its lock file is a symbolic link; or a symbolic link in the path leads nowhere, or belongs to
    /// neither this user nor root.
    case symbolicLink

    /// Something that is not a socket has the name.
    case notASocket

    /// Something that is not a FIFO has the name.
    case notAFIFO

    /// The name of the lock file belongs to something other than a plain file with one name: a directory, a device, or
    /// a file with a second name (a hard link), into which the process ID must not be written.
    case notALockFile

    /// The name, or its lock file, belongs to another user.
    case foreignOwner(UInt32)

    /// The file system is read-only.
    case readOnly

    /// No space or no inodes are left.
    case full
}
