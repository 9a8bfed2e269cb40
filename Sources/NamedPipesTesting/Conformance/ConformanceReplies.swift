// SPDX-License-Identifier: Apache-2.0

/// The replies to one peer, if messages have replies.
protocol ConformanceReplies: AnyObject {
    /// A message with a number, so that its answer can be told from others.
    func numbered(_ message: [UInt8], _ number: Int) -> [UInt8]

    func note(_ reply: [UInt8])

    /// The problem with the replies so far.
    ///
    /// - Parameters:
    ///   - messages: the complete messages that have arrived.
    ///   - areComplete: whether no reply may be missing.
    func problem(with messages: ArraySlice<[UInt8]>, areComplete: Bool) -> String?
}
