// SPDX-License-Identifier: Apache-2.0
internal import NamedPipes

/// Why a command failed, in one line for a person, and what the process exits with.
struct Failure: Error, Equatable {
    let message: String
    let status: ExitStatus

    init(_ message: String, _ status: ExitStatus = .failed) {
        self.message = message
        self.status = status
    }
}

extension Failure {
    /// What went wrong, and what may help.
    init(_ error: PipeError) {
        switch error {
        case .timedOut: self.init("timed out (--timeout sets how long to wait)", .timedOut)
        case .backlogFull(let address):
            self.init("the server at \(address) accepts nobody: its queue stayed full (is it stuck?)", .timedOut)
        case .invalidAddress(let reason): self.init(reason.text, .usage)
        default: self.init(error.text)
        }
    }

    /// Whatever a call of the library threw.
    init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as PipeError: self.init(error)
        default: self.init("\(error)")
        }
    }
}

extension PipeError {
    fileprivate var text: String {
        switch self {
        case .addressInUse(let address, let holder):
            "\(address) belongs to a running server\(holder.map { ", process \($0)" } ?? "") (stop it, or take another name)"
        case .unusableLocation(let path, let problem): "\(printable(path)) \(problem.text)"
        case .noServer(let address): "no server at \(address) (is it running? --wait waits for it)"
        case .accessDenied(let address):
            "no permission to use \(address)\(address.path == nil ? "" : " (ls -l shows whose it is)")"
        case .messageTooLarge(let byteCount, let limit):
            "a message of \(byteCount) bytes exceeds the limit of \(limit) (--max-message raises it, at both ends)"
        case .sendQueueFull(let limit): "more than \(limit) bytes are waiting to be sent"
        case .notConnected: "not connected"
        case .framing(let error): "the message does not fit the framing: \(error) (--framing chooses another)"
        case .system(let error): "\(error)"
        case .invalidAddress, .backlogFull, .timedOut: "\(self)"
        }
    }
}

extension InvalidAddress {
    /// Without the address itself: where this is shown, it is shown as well.
    var text: String {
        switch self {
        case .empty: "an address has at least one character"
        case .containsNUL: "an address cannot contain NUL"
        case .notAbsolute: "a socket path begins with a slash"
        case .notNormalized: "write the path without empty, . or .. components and without a slash at its end"
        case .notAName: "a name has no slash and is none of . and .. (paths begin with a slash)"
        case .tooLong(let byteCount, let limit): "it has \(byteCount) bytes, a socket address takes \(limit)"
        case .noRuntimeDirectory: "this user has no runtime directory (set XDG_RUNTIME_DIR, or give a whole path)"
        }
    }
}

extension UnusableLocation {
    fileprivate var text: String {
        switch self {
        case .missingDirectory: "does not exist (make the directory first)"
        case .notADirectory: "is not a directory"
        case .notPermitted: "may not be searched or written by this user"
        case .insecureDirectory(let owner, let mode):
            "is not safe: owner \(owner), mode \(String(mode & 0o7777, radix: 8)): others could replace the socket there"
        case .symbolicLink: "is a symbolic link (give the path behind it)"
        case .notASocket: "exists and is not a socket (take another name)"
        case .notALockFile: "stands where the lock file should be"
        case .foreignOwner(let user): "belongs to another user, \(user)"
        case .readOnly: "is on a read-only file system"
        case .full: "has no space left"
        }
    }
}

extension DisconnectReason {
    /// For a sentence about the server: "the connection was …".
    var text: String {
        switch self {
        case .closedLocally: "closed here"
        case .closedByPeer: "closed by the peer"
        case .resetByPeer: "closed by the peer before it had read everything"
        case .truncatedByPeer(let missing):
            "closed by the peer in the middle of a message\(missing.map { ", \($0) bytes short" } ?? "")"
        case .slowReader: "given up: the peer did not read"
        case .serverStopped: "closed: the server stopped"
        case .framing(let error): "closed: what arrived is not in the framing: \(error) (--framing has to be the same)"
        case .system(let error): "broken: \(error)"
        }
    }
}
