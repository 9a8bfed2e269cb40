// SPDX-License-Identifier: Apache-2.0

/// The kind of file behind a descriptor (`inode(7)`), as the kernel knows it without asking the file's implementation.
///
/// Determined by `statx(2)` with `AT_STATX_DONT_SYNC`, which cannot block: fstat(2) of a file in a user's own file
/// system (FUSE) waits for that user's program.
@nonexhaustive
public enum DescriptorKind: Hashable, Sendable {
    /// A regular file.
    case file
    /// Memory without a name: memfd_create(2), or a removed file in a memory file system.
    case memory
    /// A directory.
    case directory
    /// A socket of this type, of the local domain (`AF_UNIX`) or another.
    case socket(SocketType, isLocal: Bool)
    /// One end of a pipe(2), or an open FIFO.
    case pipe
    /// A terminal, or another character device.
    case characterDevice
    /// A disk, or another block device.
    case blockDevice
    /// A kernel object without a file: eventfd(2), timerfd_create(2), pidfd_open(2), epoll(7).
    case anonymous
    /// Anything else, or a kernel that does not say.
    case other

    /// The type of a socket (socket(2)).
    public enum SocketType: Hashable, Sendable {
        /// `SOCK_STREAM`
        case stream
        /// `SOCK_DGRAM`
        case datagram
        /// `SOCK_SEQPACKET`
        case sequencedPacket
        /// Any other, such as `SOCK_RAW`.
        case other
    }
}
