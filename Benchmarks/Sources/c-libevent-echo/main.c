// SPDX-License-Identifier: Apache-2.0

// libevent with plain events: it reports which descriptors are ready, and the server reads and writes like the one on
// raw epoll. A reply leaves from the read callback; an event for writability exists only while the kernel has not taken
// all of it.
//
// Usage: c-libevent-echo SOCKET [--send-buffer BYTES] [--receive-buffer BYTES]

#include <sys/types.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/listener.h>

#include "echo_options.h"
#include "echo_socket.h"

struct client {
    struct event readable;
    struct event *writable; // NULL when nothing is left over
    bool is_read;
    struct echo echo;
};

static struct echo_options options;
static struct event_base *base;

static void close_client(struct client *client) {
    evutil_socket_t descriptor = event_get_fd(&client->readable);
    event_del(&client->readable);
    if (client->writable) event_free(client->writable);
    close(descriptor);
    echo_release(&client->echo);
    free(client);
}

static void on_writable(evutil_socket_t descriptor, short what, void *context);

static void update_events(struct client *client, evutil_socket_t descriptor) {
    size_t waiting = count_of(&client->echo.out);
    if (waiting && !client->writable) {
        client->writable = event_new(base, descriptor, EV_WRITE | EV_PERSIST, on_writable, client);
        if (!client->writable || event_add(client->writable, NULL) < 0) fail("event_add");
    } else if (!waiting && client->writable) {
        event_free(client->writable);
        client->writable = NULL;
    }
    bool is_read = waiting <= high_water;
    if (is_read == client->is_read) return;
    client->is_read = is_read;
    if ((is_read ? event_add(&client->readable, NULL) : event_del(&client->readable)) < 0) fail("event");
}

static void on_readable(evutil_socket_t descriptor, short what, void *context) {
    (void)what;
    struct client *client = context;
    if (!echo_read(&client->echo, descriptor)) return close_client(client);
    update_events(client, descriptor);
}

static void on_writable(evutil_socket_t descriptor, short what, void *context) {
    (void)what;
    struct client *client = context;
    if (!flush_out(&client->echo, descriptor)) return close_client(client);
    update_events(client, descriptor);
}

static void on_accepted(
    struct evconnlistener *listener, evutil_socket_t descriptor, struct sockaddr *address, int size, void *context) {
    (void)listener, (void)address, (void)size, (void)context;
    echo_size_buffers(&options, descriptor);
    struct client *client = calloc(1, sizeof *client);
    if (!client) fail("calloc");
    client->is_read = true;
    event_assign(&client->readable, base, descriptor, EV_READ | EV_PERSIST, on_readable, client);
    if (event_add(&client->readable, NULL) < 0) fail("event_add");
}

int main(int count, char **arguments) {
    options = echo_start(count, arguments, false);
    base = event_base_new();
    if (!base) fail("event_base_new");
    // A backlog of 0, because the socket listens already. libevent makes the accepted sockets non-blocking.
    unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
    if (!evconnlistener_new(base, on_accepted, NULL, flags, 0, echo_listen(options.path))) fail("evconnlistener_new");
    event_base_dispatch(base);
    return 1;
}
