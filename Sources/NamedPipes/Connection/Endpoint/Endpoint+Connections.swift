// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

extension Endpoint {
    /// Calls a function with each connection that has not had its end, in no particular order.
    ///
    /// From the last to the first: one that leaves meanwhile has its place taken by one that had its turn already, and
    /// one that comes meanwhile is not called. So nothing is copied for a walk.
    @inline(__always)
    func forEachConnection(_ body: (PipeConnection) -> Void) {
        var place = connections.count
        while place > 0 {
            place -= 1
            if let connection = connections.connection(at: place) { body(connection) }
        }
    }
}
