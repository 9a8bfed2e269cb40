// SPDX-License-Identifier: Apache-2.0

/// The object that a connection retains until its end: the owner's context, or the async layer's state, which then
/// keeps the context. It takes one word in either case, and the two cannot be confused.
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

    /// Releases the object.
    mutating func end() {
        if case .none = self { return }
        context = nil
        self = .none
    }
}
