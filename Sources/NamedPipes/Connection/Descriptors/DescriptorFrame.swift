// SPDX-License-Identifier: Apache-2.0
internal import PipeFraming

/// A queued message with descriptors: its encoded frame, and the descriptors until they are sent. Dropped with the
/// frame, wherever a policy, a failure or the end of the connection drops it, they are closed.
final class DescriptorFrame {
    let frame: SharedBuffer
    private var descriptors: OutgoingDescriptors
    private let queued: QueuedDescriptorCount

    init(_ frame: SharedBuffer, _ descriptors: consuming OutgoingDescriptors, _ queued: QueuedDescriptorCount) {
        self.frame = frame
        self.queued = queued
        queued.value += descriptors.count
        self.descriptors = descriptors
    }

    /// The descriptors to pass with the frame's first byte.
    var numbers: [Int32] { descriptors.numbers }

    /// The kernel took the first byte, and with it the descriptors.
    func didSend() {
        queued.value -= descriptors.count
        descriptors.didSend()
    }

    deinit { queued.value -= descriptors.count }
}

/// The number of descriptors that wait in a queue.
final class QueuedDescriptorCount {
    var value = 0

    /// The most that wait in one queue: as many as one message can carry. A peer that does not read must not use up the
    /// descriptors of this process.
    static let limit = 253
}

extension SendQueue {
    /// Appends a message with descriptors, which starts a write of its own.
    mutating func append(_ message: DescriptorFrame) {
        let frame = message.frame
        _ = unsafe frame.bytes.withUnsafeBytes { bytes in
            unsafe append(inPlace: bytes, message, capacity: frame.bytes.capacity, carriesDescriptors: true) { _ in
                FrameEnvelope()
            }
        }
    }

    /// The message with descriptors that is next to be written, from its first byte on; nil if something else is.
    var leadingDescriptorFrame: DescriptorFrame? {
        guard let first = segments.first, first.startsOwnWrite, offset(of: first) == 0 else { return nil }
        return first.owner as? DescriptorFrame
    }
}

extension InPlaceSegment {
    /// Whether the kernel has to be handed this segment's first byte in a write that begins with it.
    var startsOwnWrite: Bool { carriesDescriptors && !isStarted }
}
