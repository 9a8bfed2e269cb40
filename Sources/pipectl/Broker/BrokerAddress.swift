// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

#if NATS
internal import NamedPipesNATS

/// A name at a NATS broker.
struct BrokerAddress: Sendable {
    let address: NATSAddress

    init(parsing text: String) throws(ValidationError) {
        do {
            address = try NATSAddress(parsing: text)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

extension BrokerAddress: CustomStringConvertible {
    /// Without a password.
    var description: String { address.description }
}
#else
/// A build that cannot reach a NATS broker makes none. (An enumeration without cases would say so to the compiler,
/// which then refuses code that it sees is never reached.)
struct BrokerAddress: Sendable {
    private let text: String

    init(parsing text: String) throws(ValidationError) {
        throw ValidationError(
            "this pipectl reaches no NATS broker: it was built without the trait NATS, which needs libnats (libnats-dev)"
        )
    }
}

extension BrokerAddress: CustomStringConvertible {
    var description: String { text }
}
#endif

/// What distinguishes a broker's address from a local one.
enum BrokerScheme {
    static func begins(_ text: String) -> Bool {
        ["nats://", "tls://"].contains { text.utf8.starts(with: $0.utf8) }
    }
}
