// SPDX-License-Identifier: Apache-2.0

// libevent with bufferevents, as its book shows them: the library reads and writes, and the server sees two buffers per
// connection. Whole frames are made contiguous in the input, and their replies are added to the output.
//
// Usage: c-bufferevent-echo SOCKET [--send-buffer BYTES] [--receive-buffer BYTES]

#include <sys/types.h>

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdint.h>

#include "bytes.h"
#include "echo_options.h"

enum {
    maximum_message = 16 << 20,
    // Above this much unsent output a connection is not read.
    high_water = 1 << 20,
};

static struct echo_options options;

// The handler: answers a message with the same message.
static void handle_message(struct evbuffer *output, const uint8_t *message, uint32_t size) {
    uint32_t header = htonl(size);
    if (evbuffer_add(output, &header, 4) < 0 || evbuffer_add(output, message, size) < 0) fail("evbuffer_add");
}

static void on_input(struct bufferevent *client, void *context) {
    (void)context;
    struct evbuffer *input = bufferevent_get_input(client), *output = bufferevent_get_output(client);
    size_t needed = 4;
    while (evbuffer_get_length(input) >= needed) {
        uint32_t length;
        evbuffer_copyout(input, &length, 4);
        length = ntohl(length);
        if (length > maximum_message) return bufferevent_free(client);
        size_t frame_size = 4 + (size_t)length;
        if (evbuffer_get_length(input) < frame_size) {
            needed = frame_size;
            break;
        }
        if (evbuffer_get_length(output) > high_water) {
            // on_output resumes it.
            bufferevent_disable(client, EV_READ);
            return;
        }
        uint8_t *frame = evbuffer_pullup(input, (ev_ssize_t)frame_size);
        if (!frame) fail("evbuffer_pullup");
        handle_message(output, frame + 4, length);
        evbuffer_drain(input, frame_size);
    }
    // Not to be called again before there is a whole frame.
    bufferevent_setwatermark(client, EV_READ, needed, 0);
}

// All the output has left.
static void on_output(struct bufferevent *client, void *context) {
    if (bufferevent_get_enabled(client) & EV_READ) return;
    bufferevent_enable(client, EV_READ);
    on_input(client, context);
}

static void on_end(struct bufferevent *client, short what, void *context) {
    (void)what, (void)context;
    bufferevent_free(client);
}

static void on_accepted(
    struct evconnlistener *listener, evutil_socket_t descriptor, struct sockaddr *address, int size, void *context) {
    (void)address, (void)size, (void)context;
    echo_size_buffers(&options, descriptor);
    struct bufferevent *client =
        bufferevent_socket_new(evconnlistener_get_base(listener), descriptor, BEV_OPT_CLOSE_ON_FREE);
    if (!client) fail("bufferevent_socket_new");
    bufferevent_setcb(client, on_input, on_output, on_end, NULL);
    bufferevent_enable(client, EV_READ | EV_WRITE);
}

int main(int count, char **arguments) {
    options = echo_start(count, arguments, false);
    struct event_base *base = event_base_new();
    if (!base) fail("event_base_new");
    // A backlog of 0, because the socket listens already. libevent makes the accepted sockets non-blocking.
    unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
    if (!evconnlistener_new(base, on_accepted, NULL, flags, 0, echo_listen(options.path))) fail("evconnlistener_new");
    event_base_dispatch(base);
    return 1;
}
