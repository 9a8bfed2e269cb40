// SPDX-License-Identifier: Apache-2.0

/// The replies to one peer, if messages have replies.
protocol ConformanceReplies: AnyObject {
    /// A message as it is sent for the so-manieth time, so that its answer can be told from others.
    func numbered(_ message: [UInt8], _ number: Int) -> [UInt8]

    func note(_ reply: [UInt8])

    /// The problem of the replies so far.
    ///
    /// - Parameters:
    ///   - messages: what has arrived as a whole.
    ///   - areComplete: whether no reply may be missing.
    func problem(with messages: ArraySlice<[UInt8]>, areComplete: Bool) -> String?
}
