// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

extension Endpoint {
    /// Calls a function with each connection that has not ended, in no particular order.
    ///
    /// From the last to the first: if a connection leaves meanwhile, one that was already visited takes its place, and
    /// a connection that joins meanwhile is not visited. So the iteration needs no copy.
    @inline(__always)
    func forEachConnection(_ body: (PipeConnection) -> Void) {
        var place = connections.count
        while place > 0 {
            place -= 1
            if let connection = connections.connection(at: place) { body(connection) }
        }
    }
}
