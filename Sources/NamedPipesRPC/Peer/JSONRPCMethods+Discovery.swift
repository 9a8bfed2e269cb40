// SPDX-License-Identifier: Apache-2.0

extension JSONRPCMethods {
    /// The name of the method that ``offerDiscovery(title:version:)`` registers: `rpc.discover`, as OpenRPC calls it.
    public static let discoveryMethod = "rpc.discover"

    /// Registers a method that lists the names of all registered methods, for `pipectl call --list` and other tools.
    /// JSON-RPC 2.0 reserves names that begin with `rpc.` for such extensions.
    ///
    /// Its result is an OpenRPC document (<https://spec.open-rpc.org>), which knows the methods' names, but not their
    /// parameters. It includes methods that are registered later, and neither itself nor those of
    /// ``handleOthers(_:)``. Every client that may call a method may call this one.
    ///
    /// - Parameters:
    ///   - title: the name of the service.
    ///   - version: the version of what the methods mean.
    public mutating func offerDiscovery(title: String, version: String) {
        let info = ServiceDescription.Info(title: title, version: version)
        handle(Self.discoveryMethod) { call in
            ServiceDescription(
                info: info, methods: call.peer.methods.names.filter { $0 != call.method }.map { .init(name: $0) })
        }
    }
}

/// The required part of an OpenRPC document.
private struct ServiceDescription: Encodable {
    struct Info: Encodable {
        let title: String
        let version: String
    }

    struct Method: Encodable {
        let name: String
        /// Required, but unknown here: nothing may be concluded from an empty list.
        var params: [String] = []
    }

    var openrpc = "1.3.2"
    let info: Info
    let methods: [Method]
}
