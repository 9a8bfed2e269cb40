// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <unistd.h>

#include "basics.h"
#include "connection.h"

static uint8_t buffer[largest_burst];

__attribute__((noreturn)) static void wrong(const struct connection *connection, const char *what) {
    unsigned long long number = connection->received;
    fprintf(stderr, "c-load: connection %u, reply %llu: %s\n", connection->index, number, what);
    exit(1);
}

// Takes bytes of the reply that is arriving, and returns their number.
static size_t take_piece(struct connection *connection, const uint8_t *bytes, size_t count) {
    uint64_t number = connection->received;
    size_t frame = frame_size(connection->group->sizes, connection->index, number);
    size_t part = connection->received_part, piece;
    if (part < head_size) {
        piece = head_size - part < count ? head_size - part : count;
        memcpy(connection->head + part, bytes, piece);
        uint8_t expected[head_size];
        make_head(connection->index, number, frame, expected);
        if (memcmp(connection->head, expected, part + piece) != 0)
            wrong(connection, "length, number or connection is not what was sent");
    } else {
        piece = frame - part < count ? frame - part : count;
        if (!body_matches(number, frame, bytes, part - head_size, piece, connection->group->owns_bodies))
            wrong(connection, "the body is not what was sent");
    }
    connection->received_part = part + piece;
    if (connection->received_part == frame) {
        connection->received_part = 0;
        if (++connection->received > connection->sent) wrong(connection, "it was never asked for");
    }
    return piece;
}

// Takes bytes of the stream, wherever they were cut; returns the number of replies that they completed.
static uint64_t take(struct connection *connection, const uint8_t *bytes, size_t count) {
    uint64_t before = connection->received;
    while (count > 0) {
        size_t piece = take_piece(connection, bytes, count);
        bytes += piece;
        count -= piece;
    }
    return connection->received - before;
}

// The messages of one burst left at the same time, so they are counted together.
static void record(const struct connection *connection, uint64_t count, uint64_t end) {
    uint64_t number = connection->received - count;
    while (number < connection->received) {
        uint64_t begin = message_begin(connection, number), same = 0;
        do same++, number++;
        while (number < connection->received && message_begin(connection, number) == begin);
        histogram_record(connection->group->latencies, end - begin, same);
    }
}

static void go_on(struct connection *connection) {
    struct group *group = connection->group;
    switch (group->pace) {
    case pace_closed: {
        uint64_t allowed = connection->received + group->in_flight;
        connection->allowed = allowed < connection->limit ? allowed : connection->limit;
        return send_allowed(connection);
    }
    case pace_churn:
        close_connection(connection);
        if (connection->received < connection->limit) begin_churn(connection);
        return;
    case pace_open:
    case pace_flood:
    case pace_once: return;
    }
}

void receive(struct connection *connection) {
    struct group *group = connection->group;
    ssize_t count = read(connection->descriptor, buffer, group->burst);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) fail("read");
    if (count == 0) wrong(connection, "the server closed the connection");
    uint64_t complete = take(connection, buffer, (size_t)count);
    if (complete == 0) return;
    if (group->latencies) record(connection, complete, now());
    group->replies += complete;
    go_on(connection);
}
