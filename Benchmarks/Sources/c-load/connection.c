// SPDX-License-Identifier: Apache-2.0
#include "connection.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "basics.h"
#include "options.h"

enum { connect_attempts = 300000, connect_pause = 100 };

void make_connections(struct group *group, uint32_t first_index) {
    group->connections = zeroed(group->count, sizeof *group->connections);
    for (uint32_t i = 0; i < group->count; i++) {
        struct connection *connection = &group->connections[i];
        connection->group = group;
        connection->index = first_index + i;
        connection->descriptor = -1;
        connection->limit = group->limit / group->count + (i < group->limit % group->count);
        if (group->pace == pace_closed || group->pace == pace_churn)
            connection->sent_at = zeroed(group->in_flight, sizeof *connection->sent_at);
        if (!group->owns_bodies) continue;
        connection->bodies = zeroed(group->in_flight, sizeof *connection->bodies);
        for (uint32_t n = 0; n < group->in_flight; n++)
            connection->bodies[n] = copy_of_pattern(largest_frame(group->sizes));
    }
}

static void set_buffer(int descriptor, int option, int size) {
    if (size > 0 && setsockopt(descriptor, SOL_SOCKET, option, &size, sizeof size) < 0) fail("setsockopt");
}

void open_connection(struct connection *connection) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, options.path);
    connection->awaits_writability = false;
    connection->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->descriptor < 0) fail("socket");
    set_buffer(connection->descriptor, SO_SNDBUF, options.send_buffer);
    set_buffer(connection->descriptor, SO_RCVBUF, options.receive_buffer);
    int attempts = 0;
    while (connect(connection->descriptor, (struct sockaddr *)&address, sizeof address) < 0) {
        // The server's queue is full (unix(7)), and is being served.
        if ((errno != EAGAIN && errno != EINTR) || ++attempts > connect_attempts) fail("connect");
        usleep(connect_pause);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(connection->group->poller, EPOLL_CTL_ADD, connection->descriptor, &event) < 0) fail("epoll_ctl");
}

void close_connection(struct connection *connection) {
    close(connection->descriptor);
    connection->descriptor = -1;
}

// A churned round trip counts from before the connect.
void begin_churn(struct connection *connection) {
    connection->sent_at[0] = now();
    open_connection(connection);
    connection->allowed++;
    send_allowed(connection);
}

uint64_t message_begin(const struct connection *connection, uint64_t number) {
    const struct group *group = connection->group;
    if (group->pace != pace_open) return connection->sent_at[number % group->in_flight];
    uint64_t place = number * group->count + (uint64_t)(connection - group->connections);
    return group->start + (uint64_t)((double)place * group->interval);
}
