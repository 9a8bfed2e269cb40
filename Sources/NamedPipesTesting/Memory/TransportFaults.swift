// SPDX-License-Identifier: Apache-2.0

/// The faults between two ends in memory, and their frequency. All that is random comes from the network's seed, so
/// what happened once happens again.
///
/// ```swift
/// let network = try MemoryNetwork(seed: 7, faults: .bumpy)
/// ```
///
/// Whatever is set here, the kernel may do to a socket as well: bytes come in order, and each once.
public struct TransportFaults: Hashable, Sendable {
    /// How many bytes one read may bring; less than there are makes it a short read. The default is nil: all that is
    /// there.
    public var readSizes: ClosedRange<Int>?

    /// How many bytes one write may take. The default is nil: all for which there is room.
    public var writeSizes: ClosedRange<Int>?

    /// How likely it is, from 0 to 1, that a read or write finds nothing to do although there is (`EAGAIN`), and has to
    /// try again. The default is 0; more than 0.9 counts as 0.9.
    public var stallChance = 0.0

    /// How long bytes, and the end of them, are on their way, in virtual time. The default is nil: no time at all.
    public var delay: ClosedRange<Duration>?

    /// How many bytes may be on their way or unread, in each direction. The default is what Linux gives a Unix socket,
    /// 212,992; less than 1 counts as 1.
    public var capacity = 212_992

    /// Where the connection breaks. The default is nil: nowhere.
    public var cut: Cut?

    /// Nothing goes wrong.
    public init() {}

    /// A connection that breaks after this number of bytes, counted in both directions together. Each end finds the
    /// other gone.
    public struct Cut: Hashable, Sendable {
        /// After how many bytes.
        public var byteCount: Int

        /// Whether the ends are told so by `ECONNRESET`, rather than by a mere end of the stream.
        public var isReset: Bool

        /// - Parameters:
        ///   - byteCount: after how many bytes.
        ///   - isReset: the default is false: the end of the stream, perhaps in the middle of a message.
        public init(after byteCount: Int, isReset: Bool = false) {
            self.byteCount = byteCount
            self.isReset = isReset
        }
    }

    /// Nothing goes wrong.
    public static let none = TransportFaults()

    /// Short reads, short writes and stalls, and little room: what a correct program does not notice.
    public static var bumpy: TransportFaults {
        var faults = TransportFaults()
        faults.readSizes = 1...700
        faults.writeSizes = 1...700
        faults.stallChance = 0.3
        faults.capacity = 5000
        return faults
    }

    /// These faults, and a break after this number of bytes.
    public func cut(after byteCount: Int, isReset: Bool = false) -> TransportFaults {
        var faults = self
        faults.cut = Cut(after: byteCount, isReset: isReset)
        return faults
    }
}
