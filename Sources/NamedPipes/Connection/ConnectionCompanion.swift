// SPDX-License-Identifier: Apache-2.0

/// What hangs on a connection until its end: the owner's context, or the async layer's state, which then has the
/// context in its keeping. One word either way, and neither can be taken for the other.
enum ConnectionCompanion {
    case none
    case context(AnyObject)
    case tasks(AsyncConnectionState)

    var context: AnyObject? {
        get {
            switch self {
            case .none: nil
            case .context(let context): context
            case .tasks(let state): state.context
            }
        }
        set {
            if case .tasks(let state) = self {
                state.context = newValue
            } else if let newValue {
                self = .context(newValue)
            } else {
                self = .none
            }
        }
    }

    /// Lets go of everything.
    mutating func end() {
        if case .none = self { return }
        context = nil
        self = .none
    }
}
