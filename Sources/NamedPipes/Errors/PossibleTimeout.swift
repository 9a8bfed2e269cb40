// SPDX-License-Identifier: Apache-2.0

/// An error that may mean that the time for something was up. A program then ends with another status.
package protocol PossibleTimeout: Error {
    /// Whether it means that.
    var isTimeout: Bool { get }
}

extension PipeError: PossibleTimeout {
    package var isTimeout: Bool {
        switch self {
        case .timedOut, .backlogFull, .takeOverTimedOut: true
        default: false
        }
    }
}
