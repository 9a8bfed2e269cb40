// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Java's NIO: one thread with a selector, direct buffers, one read and one write per burst.
 *
 * <p>Usage: java JavaEcho SOCKET
 */
final class JavaEcho {
    private final Selector selector = Selector.open();
    private final ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);

    private JavaEcho(Path path) throws IOException {
        Files.deleteIfExists(path);
        listener.bind(UnixDomainSocketAddress.of(path), 4096).configureBlocking(false);
        listener.register(selector, SelectionKey.OP_ACCEPT);
    }

    private void serve(SelectionKey key) {
        if (key.attachment() instanceof Connection connection) connection.serve();
        else acceptAll();
    }

    private void acceptAll() {
        try {
            SocketChannel channel;
            while ((channel = listener.accept()) != null) new Connection(channel, selector);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 1) {
            System.err.println("usage: java JavaEcho SOCKET");
            System.exit(2);
        }
        JavaEcho server = new JavaEcho(Path.of(arguments[0]));
        while (true) server.selector.select(server::serve);
    }
}
