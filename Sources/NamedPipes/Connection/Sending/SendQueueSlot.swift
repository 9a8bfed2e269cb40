// SPDX-License-Identifier: Apache-2.0

/// A pointer to the ``SendQueue`` that a connection uses.
///
/// One word, copied freely, without retain and release and without the exclusivity checks that a queue stored in a
/// class would cost at every message: 190 of 590 instructions were spent there. In return, its owner has to
/// ``destroy()`` it: ``ReactorBuffers`` does, or a connection or client that ends without recycling it.
@safe
struct SendQueueSlot {
    private let pointer: UnsafeMutablePointer<SendQueue>

    /// A new, empty queue.
    init() {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: SendQueue())
    }

    var value: SendQueue {
        @inline(__always) _read { yield unsafe pointer.pointee }
        @inline(__always) nonmutating _modify { yield unsafe &pointer.pointee }
    }

    /// Ends the queue. No copy of this value may be used afterwards.
    @inline(never)
    func destroy() {
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }
}
