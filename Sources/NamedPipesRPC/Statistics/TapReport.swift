// SPDX-License-Identifier: Apache-2.0
package import NamedPipes

/// The parameters of the method `tap` of a ``StatisticsEndpoint``: the messages to watch, those that have all
/// properties that are given.
package struct TapQuestion: Codable, Hashable, Sendable {
    /// The connection's identifier, as in ``ConnectionSnapshot/id``.
    package var connection: String?

    /// The client's user.
    package var userID: UInt32?

    /// The client's process.
    package var processID: Int32?

    /// One of the two ways.
    package var direction: TappedMessage.Direction?

    /// How many bytes of each message to report, 0 to ``maximumContentLimit``; 0 for sizes only. The default is
    /// ``maximumContentLimit``.
    package var contentLimit: Int?

    /// Creates a question for all messages.
    package init() {}

    /// No more bytes of a message than this are reported. A notification with a message of this size is far below the
    /// maximum of the endpoint's framing, also if each byte is written as an escape of six.
    package static let maximumContentLimit = 256 << 10
}

/// The parameters of the notification `messages`, in which a ``StatisticsEndpoint`` reports the messages that went by.
package struct TapReport: Codable, Hashable, Sendable {
    /// In the order in which they went by.
    package var messages: [Message]

    /// How many messages went by unseen behind these, because the reports were not read in time.
    package var lost: Int

    /// One message.
    package struct Message: Codable, Hashable, Sendable {
        /// The connection's identifier, as in ``ConnectionSnapshot/id``.
        package var connection: String

        package var direction: TappedMessage.Direction

        /// The client's user; nil if the peer is unknown.
        package var userID: UInt32?

        /// The client's process; nil if it is unknown.
        package var processID: Int32?

        /// When the server saw it, in microseconds since 1970: a number that every JSON parser reads exactly.
        package var time: Int64

        /// Its number among the messages that were asked for, lost ones included. The first is 0.
        package var sequence: UInt64

        /// The size of the whole message, in bytes.
        package var size: Int

        /// Its bytes, or the first ones, if they are UTF-8. Nil if none were asked for, or the message is empty.
        package var text: String?

        /// Its bytes, or the first ones, if they are not UTF-8.
        package var base64: String?
    }
}
