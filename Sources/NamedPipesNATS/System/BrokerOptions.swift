// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import CNATS
internal import Glibc

/// The library's options for one connection.
@safe
struct BrokerOptions: ~Copyable {
    private let pointer: OpaquePointer

    /// Also reads the files that the configuration names, so that a certificate that was renewed is used from the next
    /// connection on.
    init(_ servers: [String], _ configuration: NATSLink.Configuration) throws(NATSError) {
        let options = try BrokerOptions()
        try options.setServers(servers)
        do throws(NATSError) {
            try options.setBehaviour(configuration)
            try options.setCredentials(configuration.credentials)
            if let tls = configuration.tls { try options.setTLS(tls) }
        } catch {
            throw .invalidConfiguration(Self.text(of: error))
        }
        self = options
    }

    private init() throws(NATSError) {
        var made: OpaquePointer?
        try libraryCall { unsafe natsOptions_Create(&made) }
        guard let made = unsafe made else { throw .library(status: Int(NATS_NO_MEMORY.rawValue), "out of memory") }
        unsafe pointer = made
    }

    deinit { unsafe natsOptions_Destroy(pointer) }

    /// Makes the connection report to the events behind a key; see ``BrokerDirectory``.
    func report(to key: UInt) throws(NATSError) { try unsafe BrokerDirectory.report(to: key, pointer) }

    /// Connects (`natsConnection_Connect`), which blocks.
    func connect() throws(NATSError) -> OpaquePointer {
        var made: OpaquePointer?
        try libraryCall { unsafe natsConnection_Connect(&made, pointer) }
        guard let made = unsafe made else { throw .noBroker }
        return unsafe made
    }

    private func setServers(_ servers: [String]) throws(NATSError) {
        guard let first = servers.first else { throw .invalidServer("") }
        for server in servers where server.isEmpty || server.utf8.contains(0) { throw .invalidServer(server) }
        var copies = unsafe servers.map { unsafe UnsafePointer(strdup($0)) }
        defer { for index in unsafe copies.indices { unsafe free(UnsafeMutableRawPointer(mutating: copies[index])) } }
        let status = unsafe natsOptions_SetServers(pointer, &copies, Int32(copies.count))
        guard status == NATS_OK else { throw .invalidServer(first) }
    }

    private func setBehaviour(_ configuration: NATSLink.Configuration) throws(NATSError) {
        try libraryCall { unsafe natsOptions_SetName(pointer, configuration.name) }
        try libraryCall { unsafe natsOptions_SetTimeout(pointer, max(configuration.connectTimeout.milliseconds, 1)) }
        // The library's own way connects on a thread that holds the connection's lock meanwhile, for which the loop
        // would wait.
        try libraryCall { unsafe natsOptions_SetAllowReconnect(pointer, false) }
        try libraryCall { unsafe natsOptions_SetSendAsap(pointer, true) }
        try libraryCall { unsafe natsOptions_SetIOBufSize(pointer, Int32(Self.bufferByteCount)) }
        try libraryCall { unsafe natsOptions_SetPingInterval(pointer, max(configuration.pingInterval.milliseconds, 1)) }
        try libraryCall { unsafe natsOptions_SetMaxPingsOut(pointer, 2) }
    }

    private func setCredentials(_ credentials: NATSLink.Credentials) throws(NATSError) {
        switch credentials {
        case .none: break
        case .user(let user, let password):
            try libraryCall { unsafe natsOptions_SetUserInfo(pointer, user, password) }
        case .token(let token):
            try libraryCall { unsafe natsOptions_SetToken(pointer, token) }
        case .file(let path):
            try libraryCall { unsafe natsOptions_SetUserCredentialsFromFiles(pointer, path, nil) }
        case .nkey(let key, let seedPath):
            try libraryCall { unsafe natsOptions_SetNKeyFromSeed(pointer, key, seedPath) }
        }
    }

    private func setTLS(_ tls: NATSLink.TLS) throws(NATSError) {
        try libraryCall { unsafe natsOptions_SetSecure(pointer, true) }
        if let authorities = tls.authoritiesPath {
            try libraryCall { unsafe natsOptions_LoadCATrustedCertificates(pointer, authorities) }
        }
        if let certificate = tls.certificate {
            try libraryCall {
                unsafe natsOptions_LoadCertificatesChain(pointer, certificate.chainPath, certificate.keyPath)
            }
        }
        if let host = tls.expectedHost {
            try libraryCall { unsafe natsOptions_SetExpectedHostname(pointer, host) }
        }
    }

    private static func text(of error: NATSError) -> String {
        switch error {
        case .library(_, let text), .tls(let text): text
        default: "\(error)"
        }
    }

    /// The size of one read, which bounds what a turn of the loop takes in.
    private static let bufferByteCount = 128 << 10
}

extension Duration {
    /// Whole milliseconds, as the library wants them.
    fileprivate var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return min(seconds, 1 << 40) * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
#endif
