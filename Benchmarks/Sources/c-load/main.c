// SPDX-License-Identifier: Apache-2.0

// A load for echo servers that speak 4-byte big-endian lengths: one thread on raw epoll, a number of connections, and on
// each a number of messages in flight. As soon as a reply is there, the next message goes out; one read and one write
// per burst, so that the load is cheaper than most servers.
//
// Every message begins with its number and its connection's, followed by a fixed pattern. Replies have to come in order
// and unchanged, or the run fails. Of messages above 4 KiB the first and the last 64 bytes are compared and a window of
// 4 KiB that moves from message to message, because comparing all of 4 MiB would measure this program.
//
// With --churn, each slot connects, does one round trip, closes and begins again.
//
// Prints one line of JSON. Rates, latencies and the server's cpu time are those of the measured time, after a warm-up.

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"

enum {
    buffer_size = 256 << 10,
    smallest_message = 16,
    largest_message = 16 << 20,
    // Of the frame: 4 bytes of length, 8 of number, 4 of connection. What follows is the pattern.
    head_size = 16,
    wholly_checked = 4096,
    window_size = 4096,
    edge_size = 64,
    gathered = 64,
    events_per_wait = 1024,
};

struct connection {
    int descriptor;
    uint32_t index;
    bool awaits_writability;
    uint64_t allowed;  // how many messages may have been sent: replies plus those in flight
    uint64_t sent;     // messages that have left wholly
    size_t sent_part;  // bytes of the next that have left
    uint64_t received;
    size_t received_part;
    uint8_t head[head_size]; // of the reply that is arriving
    uint64_t *sent_at;       // a ring of `in_flight` times
};

static struct {
    const char *path;
    uint32_t connections, in_flight;
    size_t size;
    double seconds, warm_up;
    int server;
    bool churn;
} options = {.connections = 1, .in_flight = 1, .size = 64, .seconds = 1, .warm_up = 0.1};

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int poller;
static size_t frame_size;
static uint8_t *pattern; // the body behind the head
static uint8_t buffer[buffer_size];
static struct connection *connections;
static struct histogram latencies;
static bool measuring;
static uint64_t replies;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void wrong(const struct connection *connection, const char *what) {
    fprintf(
        stderr, "connection %u, reply %llu: %s\n", connection->index, (unsigned long long)connection->received, what);
    exit(1);
}

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time) < 0) fail("clock_gettime");
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

// To the nanosecond, where utime and stime of /proc/PID/stat count ticks of 10 ms.
static uint64_t server_cpu(void) {
    clockid_t clock;
    if (options.server == 0) return 0;
    if (clock_getcpuclockid(options.server, &clock) != 0) {
        fprintf(stderr, "no such process: %d\n", options.server);
        exit(1);
    }
    return nanoseconds(clock);
}

// MARK: Connections

static void open_connection(struct connection *connection) {
    connection->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->descriptor < 0) fail("socket");
    while (connect(connection->descriptor, (struct sockaddr *)&address, sizeof address) < 0) {
        // The server's queue is full (unix(7)): it is being worked off.
        if (errno != EAGAIN && errno != EINTR) fail("connect");
        usleep(100);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, connection->descriptor, &event) < 0) fail("epoll_ctl");
}

static void set_writability(struct connection *connection, bool awaited) {
    if (connection->awaits_writability == awaited) return;
    connection->awaits_writability = awaited;
    struct epoll_event event = {.events = EPOLLIN | (awaited ? EPOLLOUT : 0), .data.ptr = connection};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, connection->descriptor, &event) < 0) fail("epoll_ctl");
}

// MARK: Sending

static void make_head(const struct connection *connection, uint64_t number, uint8_t *head) {
    uint32_t length = htonl((uint32_t)options.size);
    memcpy(head, &length, 4);
    memcpy(head + 4, &number, 8);
    memcpy(head + 12, &connection->index, 4);
}

// Small messages are built in the buffer, as many as it takes; large ones are gathered from the pattern in place.
static int gather(struct connection *connection, struct iovec *pieces, uint8_t heads[][head_size], size_t *total) {
    uint64_t number = connection->sent;
    size_t skip = connection->sent_part;
    *total = 0;
    if (frame_size <= wholly_checked) {
        uint8_t *end = buffer;
        while (number < connection->allowed && end + frame_size <= buffer + buffer_size) {
            make_head(connection, number++, end);
            memcpy(end + head_size, pattern, frame_size - head_size);
            end += frame_size;
        }
        *total = (size_t)(end - buffer) - skip;
        pieces[0] = (struct iovec){buffer + skip, *total};
        return 1;
    }
    int count = 0;
    for (int i = 0; i < gathered && number < connection->allowed; i++, skip = 0) {
        make_head(connection, number++, heads[i]);
        size_t of_head = skip < head_size ? head_size - skip : 0;
        size_t of_body = skip < head_size ? 0 : skip - head_size;
        if (of_head) pieces[count++] = (struct iovec){heads[i] + skip, of_head};
        pieces[count++] = (struct iovec){pattern + of_body, frame_size - head_size - of_body};
        *total += frame_size - skip;
    }
    return count;
}

static void send_allowed(struct connection *connection) {
    struct iovec pieces[2 * gathered];
    uint8_t heads[gathered][head_size];
    while (connection->sent < connection->allowed) {
        size_t total;
        struct msghdr message = {.msg_iov = pieces};
        message.msg_iovlen = (size_t)gather(connection, pieces, heads, &total);
        ssize_t count = sendmsg(connection->descriptor, &message, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno != EAGAIN) fail("send");
        size_t taken = count < 0 ? 0 : (size_t)count;
        uint64_t now = nanoseconds(CLOCK_MONOTONIC);
        // A message counts from the time that its first byte leaves.
        uint64_t before = connection->sent + (connection->sent_part > 0);
        size_t progress = connection->sent_part + taken;
        connection->sent += progress / frame_size;
        connection->sent_part = progress % frame_size;
        uint64_t after = connection->sent + (connection->sent_part > 0);
        for (uint64_t number = before; number < after; number++)
            connection->sent_at[number % options.in_flight] = now;
        if (taken < total) return set_writability(connection, true);
    }
    set_writability(connection, false);
}

// MARK: Receiving

// Compares the part of a reply's body that `count` bytes at `offset` have in common with [low, high).
static bool matches(const uint8_t *bytes, size_t offset, size_t count, size_t low, size_t high) {
    size_t from = offset > low ? offset : low;
    size_t to = offset + count < high ? offset + count : high;
    return from >= to || memcmp(bytes + (from - offset), pattern + from, to - from) == 0;
}

static bool body_matches(uint64_t number, const uint8_t *bytes, size_t offset, size_t count) {
    size_t size = frame_size - head_size;
    if (frame_size <= wholly_checked) return matches(bytes, offset, count, 0, size);
    size_t window = (size_t)(number * window_size % size);
    return matches(bytes, offset, count, 0, edge_size) && matches(bytes, offset, count, size - edge_size, size) &&
           matches(bytes, offset, count, window, window + window_size < size ? window + window_size : size);
}

static void check_head(const struct connection *connection) {
    uint8_t expected[head_size];
    make_head(connection, connection->received, expected);
    if (memcmp(connection->head, expected, head_size) != 0) wrong(connection, "length, number or connection is wrong");
}

// Takes bytes of the stream, wherever they were cut; returns how many replies they completed.
static uint64_t take(struct connection *connection, const uint8_t *bytes, size_t count) {
    uint64_t before = connection->received;
    while (count > 0) {
        size_t part = connection->received_part, piece;
        if (part < head_size) {
            piece = head_size - part < count ? head_size - part : count;
            memcpy(connection->head + part, bytes, piece);
            if (part + piece == head_size) check_head(connection);
        } else {
            piece = frame_size - part < count ? frame_size - part : count;
            if (!body_matches(connection->received, bytes, part - head_size, piece))
                wrong(connection, "the body is not what was sent");
        }
        bytes += piece;
        count -= piece;
        connection->received_part = part + piece;
        if (connection->received_part == frame_size) {
            connection->received_part = 0;
            if (++connection->received > connection->sent) wrong(connection, "it was never asked for");
        }
    }
    return connection->received - before;
}

static void record(const struct connection *connection, uint64_t count, uint64_t now) {
    // Messages of one burst left at one time: they are counted together.
    uint64_t number = connection->received - count;
    while (number < connection->received) {
        uint64_t time = connection->sent_at[number % options.in_flight], same = 0;
        do same++, number++;
        while (number < connection->received && connection->sent_at[number % options.in_flight] == time);
        histogram_record(&latencies, now - time, same);
    }
}

static void begin_churn(struct connection *connection);

static void receive(struct connection *connection) {
    ssize_t count = read(connection->descriptor, buffer, buffer_size);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) fail("read");
    if (count == 0) wrong(connection, "the server closed the connection");
    uint64_t complete = take(connection, buffer, (size_t)count);
    if (complete == 0) return;
    if (measuring) record(connection, complete, nanoseconds(CLOCK_MONOTONIC));
    replies += complete;
    if (options.churn) {
        close(connection->descriptor);
        begin_churn(connection);
    } else {
        connection->allowed += complete;
        send_allowed(connection);
    }
}

// A churned round trip counts from before the connect.
static void begin_churn(struct connection *connection) {
    uint64_t now = nanoseconds(CLOCK_MONOTONIC);
    connection->awaits_writability = false;
    open_connection(connection);
    connection->allowed++;
    send_allowed(connection);
    connection->sent_at[connection->sent > 0 ? (connection->sent - 1) % options.in_flight : 0] = now;
}

// MARK: The run

static void run_until(uint64_t end) {
    static struct epoll_event events[events_per_wait];
    uint64_t now;
    while ((now = nanoseconds(CLOCK_MONOTONIC)) < end) {
        int ready = epoll_wait(poller, events, events_per_wait, (int)((end - now) / 1000000) + 1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < ready; i++) {
            struct connection *connection = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) send_allowed(connection);
            if (events[i].events & ~(uint32_t)EPOLLOUT) receive(connection);
        }
    }
}

static void set_up(void) {
    frame_size = options.size + 4;
    pattern = malloc(frame_size);
    connections = calloc(options.connections, sizeof *connections);
    if (!pattern || !connections) fail("malloc");
    for (size_t i = 0; i < frame_size; i++) pattern[i] = (uint8_t)(i * 167 + (i >> 8) * 13 + 1);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) fail("epoll_create1");
    for (uint32_t i = 0; i < options.connections; i++) {
        struct connection *connection = &connections[i];
        connection->index = i;
        connection->sent_at = calloc(options.in_flight, sizeof(uint64_t));
        if (!connection->sent_at) fail("calloc");
        if (!options.churn) open_connection(connection);
    }
    for (uint32_t i = 0; i < options.connections; i++) {
        if (options.churn) {
            begin_churn(&connections[i]);
        } else {
            connections[i].allowed = options.in_flight;
            send_allowed(&connections[i]);
        }
    }
}

// The warm-up lasts its time, and in any case until every connection has had its first reply.
static void warm_up(void) {
    run_until(nanoseconds(CLOCK_MONOTONIC) + (uint64_t)(options.warm_up * 1e9));
    for (uint32_t i = 0; i < options.connections; i++)
        for (int tries = 0; connections[i].received == 0; tries++) {
            if (tries == 2000) wrong(&connections[i], "it did not come within 20 s");
            run_until(nanoseconds(CLOCK_MONOTONIC) + 10000000);
        }
}

static void report(double seconds, uint64_t own_cpu, uint64_t server_time) {
    double rate = (double)replies / seconds;
    printf(
        "{\"messages\": %llu, \"seconds\": %.6f, \"messages_per_second\": %.1f, \"bytes_per_second\": %.1f, "
        "\"latency_us\": {\"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"p99.9\": %.2f, \"max\": %.2f}, "
        "\"client_cpu_seconds\": %.6f",
        (unsigned long long)replies, seconds, rate, rate * (double)frame_size,
        (double)histogram_quantile(&latencies, 0.5) / 1e3, (double)histogram_quantile(&latencies, 0.9) / 1e3,
        (double)histogram_quantile(&latencies, 0.99) / 1e3, (double)histogram_quantile(&latencies, 0.999) / 1e3,
        (double)latencies.maximum / 1e3, (double)own_cpu / 1e9);
    if (options.server) printf(", \"server_cpu_seconds\": %.6f", (double)server_time / 1e9);
    printf("}\n");
}

static void usage(void) {
    fprintf(
        stderr, "usage: c-load --path SOCKET [--connections N] [--in-flight K] [--size BYTES] [--seconds S]\n"
                "              [--warm-up S] [--server-pid PID] [--churn]\n");
    exit(2);
}

static void parse(int count, char **arguments) {
    static const struct option known[] = {
        {"path", required_argument, NULL, 'p'},      {"connections", required_argument, NULL, 'n'},
        {"in-flight", required_argument, NULL, 'k'}, {"size", required_argument, NULL, 's'},
        {"seconds", required_argument, NULL, 't'},   {"warm-up", required_argument, NULL, 'w'},
        {"server-pid", required_argument, NULL, 'i'}, {"churn", no_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) switch (option) {
        case 'p': options.path = optarg; break;
        case 'n': options.connections = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'k': options.in_flight = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 's': options.size = strtoul(optarg, NULL, 10); break;
        case 't': options.seconds = strtod(optarg, NULL); break;
        case 'w': options.warm_up = strtod(optarg, NULL); break;
        case 'i': options.server = atoi(optarg); break;
        case 'c': options.churn = true; break;
        default: usage();
        }
    bool fits = options.size >= smallest_message && options.size <= largest_message;
    if (!options.path || strlen(options.path) >= sizeof address.sun_path || !fits) usage();
    if (options.connections == 0 || options.in_flight == 0 || options.seconds <= 0) usage();
    strcpy(address.sun_path, options.path);
}

int main(int count, char **arguments) {
    parse(count, arguments);
    set_up();
    warm_up();
    uint64_t server_before = server_cpu(), own_before = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    replies = 0;
    measuring = true;
    uint64_t start = nanoseconds(CLOCK_MONOTONIC);
    run_until(start + (uint64_t)(options.seconds * 1e9));
    double seconds = (double)(nanoseconds(CLOCK_MONOTONIC) - start) / 1e9;
    report(seconds, nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - own_before, server_cpu() - server_before);
    return 0;
}
