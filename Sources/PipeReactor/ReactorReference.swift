// SPDX-License-Identifier: Apache-2.0

/// An object that is registered in place of another, which the reactor must not keep alive.
package protocol StandIn: AnyObject {
    var original: AnyObject? { get }
}

/// A reference that another thread may hold to an object that is confined to a reactor: its key, not the object.
///
/// A server's `reference` and a client's are such values. Only the reactor's thread follows them:
///
/// ```swift
/// let server = pipeServer.reference      // Sendable
/// server.perform { $0.stop() }           // from any thread
/// ```
public struct ReactorReference<Object: AnyObject>: Sendable {
    /// The executor of the object's reactor.
    public let executor: ReactorExecutor

    private let key: UInt64

    package init(_ executor: ReactorExecutor, key: UInt64) {
        self.executor = executor
        self.key = key
    }

    /// Runs a function with the object on the reactor's thread, in a later turn. From any thread.
    ///
    /// If the object has ended by then, the function is not called.
    ///
    /// - Returns: false if the reactor itself is gone.
    @discardableResult
    public func perform(_ body: @escaping @Sendable (Object) -> Void) -> Bool {
        executor.post { [self] reactor in
            if let object = resolve(on: reactor) { body(object) }
        }
    }

    /// The object, while it lives on the reactor.
    package func resolve(on reactor: Reactor) -> Object? {
        let object = reactor.registry[key]
        return object as? Object ?? (object as? any StandIn)?.original as? Object
    }
}
