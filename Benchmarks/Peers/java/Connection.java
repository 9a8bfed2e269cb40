// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;

/** One client. An idle one owns no buffer: all read into one, and the replies of a burst gather in another. */
final class Connection {
    private static final int READ_SIZE = 256 << 10;
    private static final int MAXIMUM_MESSAGE = 16 << 20;
    /** Above this much unsent output a connection is not read. */
    private static final int HIGH_WATER = 1 << 20;

    private static final ByteBuffer INPUT = ByteBuffer.allocateDirect(READ_SIZE);
    /** No reply is longer than its message, so those of a burst fit. */
    private static final ByteBuffer REPLIES = ByteBuffer.allocateDirect(READ_SIZE);

    private final SocketChannel channel;
    private final SelectionKey key;
    private final ArrayDeque<ByteBuffer> unsent = new ArrayDeque<>(1);
    private int waiting;
    /** The beginning of a frame, if any. */
    private ByteBuffer partial;
    /** Whether `partial` has room for all of its frame, and the rest is read right into it. */
    private boolean isLarge;

    Connection(SocketChannel channel, Selector selector) throws IOException {
        this.channel = channel;
        key = channel.configureBlocking(false).register(selector, SelectionKey.OP_READ, this);
    }

    void serve() {
        try {
            if (key.isWritable()) flush();
            if (key.isReadable()) read();
            updateInterest();
        } catch (IOException gone) {
            close();
        }
    }

    /** The handler: answers a message, from the buffer's position to its limit, with the same message. */
    private static void handle(ByteBuffer message) {
        REPLIES.putInt(message.remaining()).put(message);
    }

    /** The handler of a large message, which it owns along with its header: answers with the very same memory. */
    private void handleLarge(ByteBuffer frame) {
        queue(frame);
    }

    private void read() throws IOException {
        if (isLarge) {
            readLarge();
            return;
        }
        INPUT.clear();
        if (partial != null) {
            INPUT.put(partial.flip());
            BufferPool.give(partial);
            partial = null;
        }
        if (channel.read(INPUT) < 0) throw new IOException("the end");
        REPLIES.clear();
        walk(INPUT.flip());
        send(REPLIES.flip());
    }

    private void readLarge() throws IOException {
        if (channel.read(partial) < 0) throw new IOException("the end");
        if (partial.hasRemaining()) return;
        handleLarge(partial.flip());
        partial = null;
        isLarge = false;
        if (unsent.size() == 1) flush();
    }

    /** Hands on whole frames; what is left is kept for the next read. */
    private void walk(ByteBuffer input) throws IOException {
        int end = input.limit();
        int size = 0;
        while (end - input.position() >= 4) {
            int length = input.getInt(input.position());
            if (length < 0 || length > MAXIMUM_MESSAGE) throw new IOException("a message that is too long");
            size = 4 + length;
            if (end - input.position() < size) break;
            handle(input.limit(input.position() + size).position(input.position() + 4));
            input.limit(end);
        }
        if (!input.hasRemaining()) return;
        isLarge = size > READ_SIZE;
        partial = BufferPool.take(isLarge ? size : input.remaining()).put(input);
    }

    /** One write for all the replies of a burst; what the kernel does not take is copied. */
    private void send(ByteBuffer replies) throws IOException {
        if (unsent.isEmpty()) channel.write(replies);
        if (replies.hasRemaining()) queue(BufferPool.take(replies.remaining()).put(replies).flip());
    }

    private void queue(ByteBuffer bytes) {
        unsent.addLast(bytes);
        waiting += bytes.remaining();
    }

    private void flush() throws IOException {
        while (!unsent.isEmpty()) {
            ByteBuffer first = unsent.peekFirst();
            waiting -= channel.write(first);
            if (first.hasRemaining()) return;
            BufferPool.give(unsent.removeFirst());
        }
    }

    private void updateInterest() {
        int reads = waiting > HIGH_WATER ? 0 : SelectionKey.OP_READ;
        int interest = reads | (waiting > 0 ? SelectionKey.OP_WRITE : 0);
        if (key.interestOps() != interest) key.interestOps(interest);
    }

    private void close() {
        try {
            channel.close();
        } catch (IOException ignored) {
            // It is gone either way.
        }
    }
}
