// SPDX-License-Identifier: Apache-2.0

extension DisconnectReason {
    /// A reason without its details, for counting. One for each case.
    @nonexhaustive
    public enum Kind: Int, Hashable, Sendable, CaseIterable {
        /// ``DisconnectReason/closedLocally``
        case closedLocally
        /// ``DisconnectReason/closedByPeer``
        case closedByPeer
        /// ``DisconnectReason/resetByPeer``
        case resetByPeer
        /// ``DisconnectReason/truncatedByPeer(missingByteCount:)``
        case truncatedByPeer
        /// ``DisconnectReason/slowReader``
        case slowReader
        /// ``DisconnectReason/frameTimeout``
        case frameTimeout
        /// ``DisconnectReason/writeStalled``
        case writeStalled
        /// ``DisconnectReason/outputFailed``
        case outputFailed
        /// ``DisconnectReason/idle``
        case idle
        /// ``DisconnectReason/ageLimit``
        case ageLimit
        /// ``DisconnectReason/budgetExceeded(_:)``
        case budgetExceeded
        /// ``DisconnectReason/serverStopped``
        case serverStopped
        /// ``DisconnectReason/detached``
        case detached
        /// ``DisconnectReason/programEnded(_:)``
        case programEnded
        /// ``DisconnectReason/descriptorsReceived``
        case descriptorsReceived
        /// ``DisconnectReason/descriptors(_:)``
        case descriptors
        /// ``DisconnectReason/framing(_:)``
        case framing
        /// ``DisconnectReason/system(_:)``
        case system
        /// ``DisconnectReason/sessionLost(_:)``
        case sessionLost
    }

    /// The reason without its details.
    public var kind: Kind {
        switch self {
        case .closedLocally: .closedLocally
        case .closedByPeer: .closedByPeer
        case .resetByPeer: .resetByPeer
        case .truncatedByPeer: .truncatedByPeer
        case .slowReader: .slowReader
        case .frameTimeout: .frameTimeout
        case .writeStalled: .writeStalled
        case .outputFailed: .outputFailed
        case .idle: .idle
        case .ageLimit: .ageLimit
        case .budgetExceeded: .budgetExceeded
        case .serverStopped: .serverStopped
        case .detached: .detached
        case .programEnded: .programEnded
        case .descriptorsReceived: .descriptorsReceived
        case .descriptors: .descriptors
        case .framing: .framing
        case .system: .system
        case .sessionLost: .sessionLost
        }
    }
}
