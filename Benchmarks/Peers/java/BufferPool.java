// SPDX-License-Identifier: Apache-2.0

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/** Direct buffers, used again: to allocate one is dear, and only direct ones go to the kernel without another copy. */
final class BufferPool {
    private static final int KEPT_OF_EACH_SIZE = 16;

    private static final List<ArrayDeque<ByteBuffer>> FREE = new ArrayList<>();

    static {
        for (int i = 0; i < Integer.SIZE; i++) FREE.add(new ArrayDeque<>());
    }

    /** An empty buffer with room for `size` bytes and, by its limit, no more. */
    static ByteBuffer take(int size) {
        int power = Integer.SIZE - Integer.numberOfLeadingZeros(Math.max(size, 256) - 1);
        ByteBuffer free = FREE.get(power).pollLast();
        return (free != null ? free.clear() : ByteBuffer.allocateDirect(1 << power)).limit(size);
    }

    static void give(ByteBuffer buffer) {
        ArrayDeque<ByteBuffer> free = FREE.get(Integer.numberOfTrailingZeros(buffer.capacity()));
        if (free.size() < KEPT_OF_EACH_SIZE) free.addLast(buffer);
    }

    private BufferPool() {}
}
