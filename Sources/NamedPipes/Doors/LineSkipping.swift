// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming
internal import Synchronization

/// A delimiter framing that a bad frame does not end: it is skipped, to the next delimiter. For one stream, because it
/// has a memory of it.
final class LineSkipping: MessageFraming {
    private let base: DelimiterFraming
    /// Finds the end of a frame of any size.
    private let boundless: DelimiterFraming
    private let state = Mutex(State())

    private struct State {
        var isSkipping = false
        var report: @Sendable (FramingError) -> Void = { _ in }
    }

    init(_ base: DelimiterFraming) {
        self.base = base
        boundless = DelimiterFraming(base.delimiter, maximumMessageByteCount: .max >> 8)
    }

    /// Called for each frame that is skipped, when it is known to be bad.
    func whenSkipping(_ report: @escaping @Sendable (FramingError) -> Void) { state.withLock { $0.report = report } }

    var maximumMessageByteCount: Int { base.maximumMessageByteCount }

    func nextFrame(in bytes: Span<UInt8>, scannedByteCount: Int) throws(FramingError) -> FrameScan {
        try base.nextFrame(in: bytes, scannedByteCount: scannedByteCount)
    }

    func encode(_ message: Span<UInt8>, into output: inout FrameBuffer) throws(FramingError) {
        try base.encode(message, into: &output)
    }

    func scanFrames(
        in bytes: Span<UInt8>, scannedByteCount: Int, deliver: (Span<UInt8>) -> Bool
    ) throws(FramingError) -> FrameWalk {
        var (consumed, scanned) = (0, scannedByteCount)
        while consumed < bytes.count {
            let rest = bytes.extracting(droppingFirst: consumed)
            if isSkipping {
                guard let byteCount = try skip(rest) else {
                    // The last bytes may be the beginning of a delimiter.
                    let kept = min(rest.count, base.delimiter.count - 1)
                    return FrameWalk(
                        consumedByteCount: bytes.count - kept, frameByteCount: nil, scannedByteCount: 0)
                }
                (consumed, scanned) = (consumed + byteCount, 0)
                continue
            }
            switch try scan(rest, scanned) {
            case nil: scanned = 0
            case .frame(let message, let byteCount):
                (consumed, scanned) = (consumed + byteCount, 0)
                if !deliver(rest.extracting(message)) { return FrameWalk(stoppedAfter: consumed) }
            case .incomplete(let frameByteCount, let scannedByteCount):
                return FrameWalk(
                    consumedByteCount: consumed, frameByteCount: frameByteCount, scannedByteCount: scannedByteCount)
            }
        }
        return FrameWalk(consumedByteCount: consumed, frameByteCount: nil, scannedByteCount: 0)
    }

    private var isSkipping: Bool { state.withLock(\.isSkipping) }

    /// The next frame; nil if it is bad, and is skipped from now on.
    private func scan(_ bytes: Span<UInt8>, _ scannedByteCount: Int) throws(FramingError) -> FrameScan? {
        do {
            return try base.nextFrame(in: bytes, scannedByteCount: scannedByteCount)
        } catch {
            let report = state.withLock { state in
                state.isSkipping = true
                return state.report
            }
            report(error)
            return nil
        }
    }

    /// How many bytes the bad frame still has, with its delimiter; nil if its end has not arrived.
    private func skip(_ bytes: Span<UInt8>) throws(FramingError) -> Int? {
        guard case .frame(_, let byteCount) = try boundless.nextFrame(in: bytes, scannedByteCount: 0) else {
            return nil
        }
        state.withLock { $0.isSkipping = false }
        return byteCount
    }
}
