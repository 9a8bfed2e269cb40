// SPDX-License-Identifier: Apache-2.0

/// The result of a read of a stream that did not fail: three cases, so that none is mistaken for another. An error is
/// the fourth, and is thrown.
///
/// As an optional number, "nothing there yet" and a failure were both nil behind a `try?`, and both were mistaken for
/// the end of the stream: a closing connection then read no more, and its peer never received the last messages.
@frozen @usableFromInline
package enum ReadOutcome<Content> {
    /// Nothing is there now (`EAGAIN`); more may come.
    case wouldBlock
    /// The peer has finished, and everything it sent has been read: nothing more comes.
    case end
    /// Something was read.
    case content(Content)

    /// The same result with another value for the content.
    @inlinable @inline(__always)
    package func map<Other>(_ transform: (Content) -> Other) -> ReadOutcome<Other> {
        switch self {
        case .wouldBlock: .wouldBlock
        case .end: .end
        case .content(let content): .content(transform(content))
        }
    }
}

extension ReadOutcome<Int> {
    /// How many bytes were read: 0 if there were none, for whatever reason.
    @inlinable package var byteCount: Int {
        @inline(__always) get { if case .content(let count) = self { count } else { 0 } }
    }
}
