// SPDX-License-Identifier: Apache-2.0
#if NATS
internal import CNATS

extension NATSError {
    /// The error of a call that failed on this thread. The library keeps its text for each thread.
    init(_ status: natsStatus) {
        let text = unsafe nats_GetLastError(nil).map { unsafe String(cString: $0) } ?? ""
        self.init(status, text.isEmpty ? unsafe String(cString: natsStatus_GetText(status)) : text)
    }

    init(_ status: natsStatus, _ text: String) {
        self =
            switch status {
            case NATS_NO_SERVER, NATS_TIMEOUT, NATS_IO_ERROR: .noBroker
            case NATS_CONNECTION_AUTH_FAILED: .notAuthorized
            case NATS_SSL_ERROR, NATS_SECURE_CONNECTION_WANTED, NATS_SECURE_CONNECTION_REQUIRED: .tls(text)
            case NATS_NOT_PERMITTED: .notPermitted(text)
            case NATS_CONNECTION_CLOSED, NATS_CONNECTION_DISCONNECTED, NATS_STALE_CONNECTION: .connectionLost
            default: .library(status: Int(status.rawValue), text)
            }
    }
}

/// Makes a call of the library, and turns its status into a typed error.
func libraryCall(_ body: () -> natsStatus) throws(NATSError) {
    let status = body()
    guard status == NATS_OK else { throw NATSError(status) }
}
#endif
