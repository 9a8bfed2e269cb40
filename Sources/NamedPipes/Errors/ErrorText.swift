// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

// The texts of errors and reasons for people: one line, without the library's terms, and without control characters
// from any input.

extension PipeError: CustomStringConvertible {
    /// One line for a log or a person.
    public var description: String {
        if case .messageTooLarge = self { "\(problem) (\(FramingError.sizeRemedy))" } else { problem }
    }

    /// The description without a remedy in the library's terms, for a program that has its own.
    package var problem: String {
        switch self {
        case .invalidAddress(let problem): "invalid address: \(problem)"
        case .addressInUse(let address, let holder):
            "\(address) belongs to a running server\(naming(holder))"
        case .takeOverTimedOut(let address, let holder):
            "\(address) was not given up in time by its server\(naming(holder))"
        case .unusableLocation(let path, .notWritable): "no permission to make files in \(escapingInvisibles(path))"
        case .unusableLocation(let path, let problem): "\(escapingInvisibles(path)) \(problem)"
        case .inheritedListener(let problem): "the inherited listener cannot be served: \(problem)"
        case .unusableConnection(let problem): "the connection cannot be adopted: \(problem)"
        case .cannotDetach(let obstacle): "the connection cannot be detached: \(obstacle)"
        case .notListening: "the server does not listen at a socket"
        case .cannotChange(let setting): "\(setting) can no longer be changed"
        case .outputPending(let byteCount): "\(byteCount) bytes of earlier messages are not sent yet"
        case .noServer(let address): "no server at \(address)"
        case .backlogFull(let address): "the server at \(address) accepts no clients: its queue stayed full"
        case .accessDenied(let address): "no permission to use \(address)"
        case .peerRefused(let peer): "the server is not the required peer, but \(peer)"
        case .cannotStart(let program, let error): "\(escapingInvisibles(program)) cannot be started: \(error)"
        case .peerProcessUnavailable(let error): "the peer's process cannot be pinned: \(error)"
        case .linkFailed(let text): "\(text)"
        case .messageTooLarge(let byteCount, let limit): "a message of \(byteCount) bytes exceeds the limit of \(limit)"
        case .sendQueueFull(let limit): "more than \(limit) bytes would be waiting to be sent"
        case .budgetExceeded(let budget): "\(budget) is used up"
        case .descriptorsNotSent(let problem): "the message cannot be sent with file descriptors: \(problem)"
        case .notConnected(let missing): "\(missing)"
        case .receiveOnly: "a FIFO is receive-only"
        case .policyNeedsIdentity(let address): "writers of \(address) cannot be identified: its policy must be anyUser"
        case .disconnected(let reason): "the connection has ended: \(reason)"
        case .closedUnanswered(let reason, let causes): "the connection has ended: \(reason): \(causes)"
        case .messagesUnsent(let count, let reason):
            "\(count) \(count == 1 ? "message was" : "messages were") not sent before the connection ended: \(reason)"
        case .timedOut: "timed out"
        case .framing(let error): "the message does not fit the framing: \(error)"
        case .system(let error): "\(error)"
        }
    }
}

/// The process that holds a name, to be read after its server.
private func naming(_ processID: Int32?) -> String {
    guard let processID else { return "" }
    return processID == CurrentProcess.processID ? ", which is in this process" : ", process \(processID)"
}

extension InvalidAddress: CustomStringConvertible {
    /// The rule that was broken, without the address itself.
    public var description: String {
        switch self {
        case .empty: "an address has at least one character"
        case .containsNUL: "an address cannot contain NUL"
        case .notAbsolute: "a socket path begins with a slash"
        case .notNormalized: "a path has no empty, . or .. components and no slash at its end"
        case .atBroker: "a NATS broker is reached with the product NamedPipesNATS, not by a local socket"
        case .notAName: "a name has no slash and is neither . nor .."
        case .tooLong(let byteCount, let limit): "it has \(byteCount) bytes, a socket address takes \(limit)"
        }
    }
}

extension InvalidInheritedListener: CustomStringConvertible {
    /// The problem, including the descriptor's number.
    public var description: String {
        switch self {
        case .environment(let problem): "\(problem)"
        case .notOpen(let descriptor): "descriptor \(descriptor) is not open"
        case .notALocalStream(let descriptor): "descriptor \(descriptor) is not a Unix stream socket"
        case .notListening(let descriptor): "descriptor \(descriptor) does not listen"
        case .unusableName(let descriptor): "descriptor \(descriptor) has no name"
        case .alreadyServed(let name): "the listener named \(name) already has a server"
        }
    }
}

extension UnusableConnection: CustomStringConvertible {
    /// The problem, including the descriptor's number.
    public var description: String {
        switch self {
        case .notOpen(let descriptor): "descriptor \(descriptor) is not open"
        case .notALocalStream(let descriptor): "descriptor \(descriptor) is not a Unix stream socket"
        case .notConnected(let descriptor): "descriptor \(descriptor) is not connected"
        case .notReadable(let descriptor): "descriptor \(descriptor) is not open for reading"
        case .notWritable(let descriptor): "descriptor \(descriptor) is not open for writing"
        }
    }
}

extension FixedSetting: CustomStringConvertible {
    /// The setting.
    public var description: String {
        switch self {
        case .deadlines: "a deadline"
        case .name: "how the name is kept"
        case .framing: "the framing"
        case .descriptors: "whether descriptors are accepted"
        case .sendQueue: "the limits of the send queue"
        case .heldByteLimit: "the limit of held bytes"
        case .workPerTurn: "the work per turn"
        case .sendBufferByteCount: "the size of the send buffer"
        case .unreadByteLimit: "the limit of unread bytes"
        case .keepsStatistics: "whether a connection keeps statistics"
        }
    }
}

extension UndetachableConnection: CustomStringConvertible {
    /// The reason.
    public var description: String {
        switch self {
        case .noSocket: "it has no socket"
        case .handledByTasks: "tasks receive its messages"
        case .belongsToClient: "it belongs to a client"
        case .holdsDescriptors: "descriptors of a message that was not delivered have arrived"
        }
    }
}

extension UnusableLocation: CustomStringConvertible {
    /// The problem, to be read after the path.
    public var description: String {
        switch self {
        case .missingDirectory: "does not exist"
        case .notADirectory: "is not a directory"
        case .notPermitted: "may not be searched or written by this user"
        case .notWritable: "is not a directory in which this user may make files"
        case .insecureDirectory(let owner, let mode):
            "is not safe: owner \(owner), mode \(String(mode & 0o7777, radix: 8)): others could replace the socket there"
        case .symbolicLink: "is a symbolic link"
        case .notASocket: "exists and is not a socket"
        case .notAFIFO: "exists and is not a FIFO"
        case .notALockFile: "is in the way of the lock file"
        case .foreignOwner(let user): "belongs to another user, \(user)"
        case .readOnly: "is on a read-only file system"
        case .full: "has no space left"
        }
    }
}

extension DisconnectReason {
    /// The description without a remedy in the library's terms, for a program that has its own.
    package var problem: String {
        switch self {
        case .framing(let error) where error.isTooLarge: "closed: a received \(error.problem)"
        case .framing(let error): "closed: the received bytes do not fit the framing: \(error.problem)"
        default: "\(self)"
        }
    }
}

extension DisconnectReason: CustomStringConvertible {
    /// The reason, in one line.
    public var description: String {
        switch self {
        case .closedLocally: "closed here"
        case .closedByPeer: "closed by the peer"
        case .resetByPeer: "closed by the peer before it had read everything"
        case .truncatedByPeer(let missing):
            "closed by the peer in the middle of a message\(missing.map { ", \($0) bytes short" } ?? "")"
        case .slowReader: "given up: the peer did not read"
        case .frameTimeout: "given up: the peer did not complete a message in time"
        case .writeStalled: "given up: the peer read nothing for too long"
        case .outputFailed: "given up: the peer stopped reading, and sent nothing for too long"
        case .idle: "closed: nothing was sent or received for too long"
        case .ageLimit: "closed: it reached its age limit"
        case .budgetExceeded(let budget): "given up: \(budget) is used up"
        case .serverStopped: "closed: the server stopped"
        case .detached: "detached: it continues elsewhere"
        case .programEnded(let exit): "closed: the program \(exit)"
        case .descriptorsReceived: "closed: the peer sent file descriptors"
        case .sessionLost(let loss): "broken: the session was lost: \(loss)"
        case .descriptors(let problem): "closed: file descriptors: \(problem)"
        case .framing(let error) where error.isTooLarge: "closed: a received \(error)"
        case .framing(let error): "closed: the received bytes do not fit the framing: \(error)"
        case .system(let error): "broken: \(error)"
        }
    }
}

extension NameLoss: CustomStringConvertible {
    /// The event, to be read after the name.
    public var description: String {
        switch self {
        case .takenOver(let processID): "was taken over\(processID.map { " by process \($0)" } ?? "")"
        case .replaced: "was given to something else"
        case .removed: "was removed"
        }
    }
}
