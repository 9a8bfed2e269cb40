// SPDX-License-Identifier: Apache-2.0

/// The faults between two ends in memory, and their frequency. All random decisions come from the network's seed, so
/// every run is reproducible.
///
/// ```swift
/// let network = try MemoryNetwork(seed: 7, faults: .bumpy)
/// ```
///
/// The kernel may do all of this to a socket as well: bytes arrive in order, and each once.
public struct TransportFaults: Hashable, Sendable {
    /// How many bytes one read may bring; fewer than there are makes a short read. The default is nil: all that are
    /// there.
    public var readSizes: ClosedRange<Int>?

    /// How many bytes one write may take. The default is nil: as many as there is room for.
    public var writeSizes: ClosedRange<Int>?

    /// The probability, from 0 to 1, that a read or write finds nothing to do although there is something (`EAGAIN`),
    /// and has to try again. The default is 0; more than 0.9 counts as 0.9.
    public var stallChance = 0.0

    /// How long bytes, and the end of the stream, are in transit, in virtual time. The default is nil: no time at all.
    public var delay: ClosedRange<Duration>?

    /// How many bytes may be in transit or unread, in each direction. The default is Linux's for a Unix socket,
    /// 212,992; less than 1 counts as 1.
    public var capacity = 212_992

    /// Where the connection breaks. The default is nil: it does not.
    public var cut: Cut?

    /// Creates a value without faults.
    public init() {}

    /// A break of the connection after this number of bytes, counted in both directions together. Each end finds that
    /// the other is gone.
    public struct Cut: Hashable, Sendable {
        /// The number of bytes before the break.
        public var byteCount: Int

        /// Whether the ends are told by `ECONNRESET`, rather than by a mere end of the stream.
        public var isReset: Bool

        /// - Parameters:
        ///   - byteCount: the number of bytes before the break.
        ///   - isReset: whether the ends get `ECONNRESET`. The default is false: the end of the stream, perhaps in the
        ///     middle of a message.
        public init(after byteCount: Int, isReset: Bool = false) {
            self.byteCount = byteCount
            self.isReset = isReset
        }
    }

    /// No faults.
    public static let none = TransportFaults()

    /// Short reads, short writes and stalls, and little room: a correct program does not notice them.
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
