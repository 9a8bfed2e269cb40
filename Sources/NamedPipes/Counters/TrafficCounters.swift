// SPDX-License-Identifier: Apache-2.0

/// What the connections of one server or client have moved together: added up once for each read, write or burst, and only
/// what is taken to be sent once for each message.
struct TrafficCounters {
    /// Messages handed to the delegate.
    var receivedMessageCount = 0
    /// Bytes read from the sockets, frames and all.
    var receivedByteCount = 0
    /// Messages that `send` took.
    var acceptedMessageCount = 0
    /// Bytes that the kernel took, frames and all.
    var sentByteCount = 0
    /// Messages that had been taken and were dropped for later ones (``PipeConnection/SlowReaderPolicy``).
    var displacedMessageCount = 0
    /// Messages that had been taken and did not leave whole before their connection ended.
    var unsentMessageCount = 0
}
