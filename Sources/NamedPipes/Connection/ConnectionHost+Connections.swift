// SPDX-License-Identifier: Apache-2.0
internal import PipeReactor

extension ConnectionHost {
    /// Calls a function with each connection that has not had its end, in no particular order. It walks a copy: what
    /// happens meanwhile does not change it.
    @inline(__always)
    func forEachConnection(_ body: (PipeConnection) -> Void) {
        for case let connection as PipeConnection in reactor.residents.elements where connection.host === self {
            body(connection)
        }
    }
}
