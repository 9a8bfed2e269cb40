// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "basics.h"
#include "connection.h"

enum { gathered = 64 };

static uint8_t buffer[largest_burst];
static uint8_t heads[gathered][head_size];
static struct iovec pieces[2 * gathered];

static size_t size_of(const struct connection *connection, uint64_t number) {
    return frame_size(connection->group->sizes, connection->index, number);
}

static void set_writability(struct connection *connection, bool awaited) {
    if (connection->awaits_writability == awaited) return;
    connection->awaits_writability = awaited;
    struct epoll_event event = {.events = EPOLLIN | (awaited ? EPOLLOUT : 0), .data.ptr = connection};
    if (epoll_ctl(connection->group->poller, EPOLL_CTL_MOD, connection->descriptor, &event) < 0) fail("epoll_ctl");
}

// Small messages of one size are built one after the other, as many as fit into a burst.
static size_t gather_small(const struct connection *connection) {
    size_t frame = connection->group->sizes.frame, burst = connection->group->burst;
    uint8_t *end = buffer;
    for (uint64_t number = connection->sent; number < connection->allowed; number++) {
        if (end + frame > buffer + burst) break;
        make_head(connection->index, number, frame, end);
        memcpy(end + head_size, frame_pattern, frame - head_size);
        end += frame;
    }
    pieces[0] = (struct iovec){buffer + connection->sent_part, (size_t)(end - buffer) - connection->sent_part};
    return 1;
}

static uint8_t *body_of(const struct connection *connection, uint64_t number) {
    return connection->bodies ? connection->bodies[number % connection->group->in_flight] : frame_pattern;
}

// Others leave from where they are, each with a head of its own.
static size_t gather_large(const struct connection *connection) {
    size_t count = 0, skip = connection->sent_part;
    uint64_t number = connection->sent;
    for (int i = 0; i < gathered && number < connection->allowed; i++, number++, skip = 0) {
        size_t frame = size_of(connection, number);
        make_head(connection->index, number, frame, heads[i]);
        if (skip < head_size) pieces[count++] = (struct iovec){heads[i] + skip, head_size - skip};
        size_t body_skip = skip < head_size ? 0 : skip - head_size;
        pieces[count++] = (struct iovec){body_of(connection, number) + body_skip, frame - head_size - body_skip};
    }
    return count;
}

static size_t gather(const struct connection *connection) {
    size_t frame = connection->group->sizes.frame;
    return frame && frame <= small_frame ? gather_small(connection) : gather_large(connection);
}

static void note_begin(struct connection *connection, uint64_t time) {
    struct group *group = connection->group;
    if (group->pace == pace_closed) connection->sent_at[connection->sent % group->in_flight] = time;
}

// A message counts from before the call that took its first byte.
static void advance(struct connection *connection, size_t taken, uint64_t time) {
    while (taken > 0) {
        size_t left = size_of(connection, connection->sent) - connection->sent_part;
        if (connection->sent_part == 0) note_begin(connection, time);
        if (taken < left) {
            connection->sent_part += taken;
            return;
        }
        taken -= left;
        connection->sent_part = 0;
        connection->sent++;
    }
}

void send_allowed(struct connection *connection) {
    while (connection->sent < connection->allowed) {
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = gather(connection)};
        size_t total = 0;
        for (size_t i = 0; i < message.msg_iovlen; i++) total += pieces[i].iov_len;
        uint64_t time = now();
        ssize_t count = sendmsg(connection->descriptor, &message, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno != EAGAIN) fail("send");
        size_t taken = count < 0 ? 0 : (size_t)count;
        advance(connection, taken, time);
        // A flooder sends one burst in each of its turns: the server would never let it finish.
        if (taken < total || connection->group->pace == pace_flood) return set_writability(connection, true);
    }
    set_writability(connection, false);
}
