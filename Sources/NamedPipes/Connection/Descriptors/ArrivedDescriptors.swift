// SPDX-License-Identifier: Apache-2.0

/// The descriptors of a connection that have arrived and that no message has claimed yet, and the rules by which they
/// belong to messages: a value, so that it can be tested without a socket.
///
/// The kernel hands a message's descriptors over with the first byte of the write that carried them, so they are here
/// when the message's last byte is. It can merge that write with what came before it, so a read says nothing more
/// exact. The frames announce their numbers, and claim the descriptors in order:
///
/// - A complete frame that announces more than have arrived was sent with fewer.
/// - When every byte that was read is part of a delivered frame, a descriptor that is left was announced by none.
/// - The one frame that is incomplete may still claim what one message may carry, and no more.
struct ArrivedDescriptors {
    /// The most that one message may carry.
    let limit: Int
    private(set) var numbers: [Int32] = []
    /// The first fault, after which nothing can be claimed any more.
    private(set) var problem: DescriptorProblem?

    init(limit: Int) { self.limit = limit }

    /// Descriptors arrived.
    mutating func append(_ new: [Int32]) { numbers += new }

    /// Descriptors arrived that cannot be taken.
    mutating func fail(_ problem: DescriptorProblem) { self.problem = self.problem ?? problem }

    /// The reason why a complete frame cannot have the descriptors that it announces; nil if it can.
    func problem(ofClaim count: Int) -> DescriptorProblem? {
        if let problem { return problem }
        if numbers.count < count { return .fewerThanAnnounced(announced: count, received: numbers.count) }
        return count > limit ? .messageLimit(count: count, limit: limit) : nil
    }

    /// Takes the descriptors of a frame whose claim has no problem.
    mutating func take(_ count: Int) -> [Int32] {
        defer { numbers.removeFirst(count) }
        return Array(numbers[..<count])
    }

    /// Takes everything, to be closed.
    mutating func takeAll() -> [Int32] { take(numbers.count) }

    /// The fault that is evident once all complete frames are delivered; nil if there is none.
    ///
    /// - Parameter isBetweenFrames: whether no incomplete frame is left.
    func problem(isBetweenFrames: Bool) -> DescriptorProblem? {
        let surplus = numbers.count - (isBetweenFrames ? 0 : limit)
        return problem ?? (surplus > 0 ? .moreThanAnnounced(surplus: surplus) : nil)
    }
}
