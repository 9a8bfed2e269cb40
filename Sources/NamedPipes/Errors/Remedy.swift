// SPDX-License-Identifier: Apache-2.0

// What a person can try, as far as the error alone tells. Programs append it in parentheses.

extension PipeError {
    /// What can be tried, in a few words to be read after ``description``; nil where the error does not tell.
    public var remedy: String? {
        switch self {
        case .addressInUse: "stop it, or take another name"
        case .takeOverTimedOut, .backlogFull: "is it stuck?"
        case .unusableLocation(_, let problem): problem.remedy
        case .noServer: "is it running?"
        case .accessDenied(let address): address.path == nil ? nil : "ls -l shows the owner"
        case .invalidAddress(let problem): problem.remedy
        case .notConnected(let missing): missing.remedy
        case .messageTooLarge, .closedUnanswered, .inheritedListener, .unusableConnection, .cannotDetach, .peerRefused,
            .peerProcessUnavailable,
            .cannotStart, .sendQueueFull, .budgetExceeded, .descriptorsNotSent, .receiveOnly,
            .notListening, .policyNeedsIdentity, .disconnected, .messagesUnsent, .linkFailed, .cannotChange,
            .outputPending, .timedOut, .framing, .system:
            nil
        }
    }
}

extension InvalidAddress {
    /// What can be tried, in a few words to be read after ``description``; nil where the error does not tell.
    public var remedy: String? {
        switch self {
        case .notAName: "paths begin with a slash"
        case .atBroker, .empty, .containsNUL, .notAbsolute, .notNormalized, .tooLong: nil
        }
    }
}

extension UnusableLocation {
    /// What can be tried, in a few words to be read after ``description``; nil where the error does not tell.
    public var remedy: String? {
        switch self {
        case .missingDirectory: "make the directory first"
        case .symbolicLink: "give the path behind it"
        case .notASocket: "take another name"
        case .notADirectory, .notPermitted, .notWritable, .insecureDirectory, .notALockFile, .notAFIFO, .foreignOwner,
            .readOnly, .full:
            nil
        }
    }
}
