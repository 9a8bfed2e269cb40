// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import NamedPipesNATS

extension NATSLink.Configuration {
    /// How the command logs in, as the variables say that NATS's own command-line tool reads as well; and for how long
    /// the other end of a session may be silent.
    static func ofEnvironment(for address: BrokerAddress) throws(Failure) -> Self {
        var configuration = Self()
        configuration.name = "pipectl"
        if let file = variable("NATS_CREDS") {
            configuration.credentials = .file(file)
        } else if let user = variable("NATS_USER") {
            configuration.credentials = .user(user, password: variable("NATS_PASSWORD") ?? "")
        }
        if let tls = NATSLink.TLS.ofEnvironment { configuration.tls = tls }
        if let text = variable("PIPECTL_SESSION_TIMEOUT") {
            guard let time = TimeLimit(argument: text)?.duration else {
                throw Failure("PIPECTL_SESSION_TIMEOUT is a time such as 30s, not '\(printable(text))'", .usage)
            }
            configuration.sessionTimeout = time
        }
        return configuration
    }
}

extension NATSLink.TLS {
    /// Nil if no variable asks for TLS; an address with `tls://` does so by itself.
    fileprivate static var ofEnvironment: NATSLink.TLS? {
        let (authorities, chain, key) = (variable("NATS_CA"), variable("NATS_CERT"), variable("NATS_KEY"))
        guard authorities != nil || chain != nil else { return nil }
        var tls = NATSLink.TLS()
        tls.authoritiesPath = authorities
        if let chain, let key { tls.certificate = Certificate(chainPath: chain, keyPath: key) }
        return tls
    }
}

/// Nil if it is not set, or empty.
private func variable(_ name: String) -> String? { environment(name).flatMap { $0.isEmpty ? nil : $0 } }
#endif
