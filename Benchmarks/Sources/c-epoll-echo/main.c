// SPDX-License-Identifier: Apache-2.0

// The floor: an echo server as one would write it by hand in C on raw epoll, for the load that c-load makes.
//
// One thread, level-triggered; one read buffer that all connections share; one read per readiness and one write per
// burst. Frames (4 bytes of big-endian length, then the body) are really parsed, and every message goes through a
// handler that queues a copy of it, as a library has to do it. A frame larger than the read buffer is read into memory
// of its own, which is then handed over for sending instead of being copied.
//
// Usage: c-epoll-echo SOCKET

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    read_size = 256 << 10,
    maximum_message = 16 << 20,
    // Above this much unsent output a connection is not read.
    high_water = 1 << 20,
    accepts_per_event = 64,
    events_per_wait = 1024,
};

// Bytes [start, end) of memory are waiting.
struct bytes {
    uint8_t *memory;
    size_t start, end, capacity;
};

struct connection {
    int descriptor;
    uint32_t interest;
    struct bytes in;   // the beginning of a frame, if any; an idle connection owns nothing
    struct bytes out;  // what the kernel has not taken
    size_t frame_size; // of a frame that is read into `in` directly; else 0
};

static int poller;
static uint8_t read_buffer[read_size];
static struct bytes burst; // what the handler has queued in this burst

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void reserve(struct bytes *bytes, size_t count) {
    if (bytes->capacity - bytes->end >= count) return;
    if (bytes->start > 0) {
        memmove(bytes->memory, bytes->memory + bytes->start, bytes->end - bytes->start);
        bytes->end -= bytes->start;
        bytes->start = 0;
    }
    if (bytes->capacity - bytes->end >= count) return;
    size_t capacity = bytes->capacity ? bytes->capacity : 4096;
    while (capacity - bytes->end < count) capacity *= 2;
    bytes->memory = realloc(bytes->memory, capacity);
    if (!bytes->memory) fail("realloc");
    bytes->capacity = capacity;
}

static void append(struct bytes *bytes, const void *source, size_t count) {
    reserve(bytes, count);
    memcpy(bytes->memory + bytes->end, source, count);
    bytes->end += count;
}

static void release(struct bytes *bytes) {
    free(bytes->memory);
    *bytes = (struct bytes){0};
}

static void close_connection(struct connection *connection) {
    close(connection->descriptor);
    release(&connection->in);
    release(&connection->out);
    free(connection);
}

static void update_interest(struct connection *connection) {
    size_t waiting = connection->out.end - connection->out.start;
    uint32_t interest = (waiting ? EPOLLOUT : 0) | (waiting > high_water ? 0 : EPOLLIN);
    if (interest == connection->interest) return;
    connection->interest = interest;
    struct epoll_event event = {.events = interest, .data.ptr = connection};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, connection->descriptor, &event) < 0) fail("epoll_ctl");
}

// Returns how much the kernel took, or -1 if the peer is gone.
static ssize_t write_some(int descriptor, const void *bytes, size_t count) {
    ssize_t taken;
    do taken = send(descriptor, bytes, count, MSG_NOSIGNAL);
    while (taken < 0 && errno == EINTR);
    if (taken < 0 && errno == EAGAIN) return 0;
    return taken;
}

// The handler: answers a message with the same message.
static void handle_message(const uint8_t *message, uint32_t size) {
    uint32_t header = htonl(size);
    reserve(&burst, 4 + size);
    memcpy(burst.memory + burst.end, &header, 4);
    memcpy(burst.memory + burst.end + 4, message, size);
    burst.end += 4 + size;
}

// One write for all that the handler queued.
static bool flush_burst(struct connection *connection) {
    size_t count = burst.end;
    burst.end = 0;
    if (count == 0) return true;
    size_t taken = 0;
    if (connection->out.end == 0) {
        ssize_t result = write_some(connection->descriptor, burst.memory, count);
        if (result < 0) return false;
        taken = (size_t)result;
    }
    if (taken < count) append(&connection->out, burst.memory + taken, count - taken);
    return true;
}

static bool flush_out(struct connection *connection) {
    struct bytes *out = &connection->out;
    ssize_t taken = write_some(connection->descriptor, out->memory + out->start, out->end - out->start);
    if (taken < 0) return false;
    out->start += (size_t)taken;
    if (out->start == out->end) release(out);
    return true;
}

static uint32_t length_at(const uint8_t *bytes) {
    uint32_t length;
    memcpy(&length, bytes, 4);
    return ntohl(length);
}

// Hands on whole frames; what is left is kept for the next read.
static bool walk(struct connection *connection, const uint8_t *bytes, size_t count) {
    size_t frame_size = 0;
    while (count >= 4) {
        uint32_t length = length_at(bytes);
        if (length > maximum_message) return false;
        frame_size = 4 + (size_t)length;
        if (count < frame_size) break;
        handle_message(bytes + 4, length);
        bytes += frame_size;
        count -= frame_size;
        frame_size = 0;
    }
    if (count > 0) append(&connection->in, bytes, count);
    connection->frame_size = frame_size > read_size ? frame_size : 0;
    return flush_burst(connection);
}

// A large frame: into its own memory, and from there to the peer.
static bool read_large(struct connection *connection) {
    struct bytes *in = &connection->in;
    reserve(in, connection->frame_size - (in->end - in->start));
    size_t missing = connection->frame_size - (in->end - in->start);
    ssize_t count = read(connection->descriptor, in->memory + in->end, missing);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    in->end += (size_t)count;
    if ((size_t)count < missing) return true;
    connection->frame_size = 0;
    if (connection->out.end > 0) {
        append(&connection->out, in->memory + in->start, in->end - in->start);
        release(in);
        return true;
    }
    connection->out = *in;
    *in = (struct bytes){0};
    return flush_out(connection);
}

static bool read_some(struct connection *connection) {
    if (connection->frame_size) return read_large(connection);
    size_t carried = connection->in.end - connection->in.start;
    if (carried) memcpy(read_buffer, connection->in.memory + connection->in.start, carried);
    ssize_t count = read(connection->descriptor, read_buffer + carried, read_size - carried);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    if (carried) release(&connection->in);
    return walk(connection, read_buffer, carried + (size_t)count);
}

static void serve(struct connection *connection, uint32_t ready) {
    bool open = true;
    if (ready & EPOLLOUT) open = flush_out(connection);
    if (open && (ready & (EPOLLIN | EPOLLHUP | EPOLLERR))) open = read_some(connection);
    if (!open) return close_connection(connection);
    update_interest(connection);
}

static void accept_some(int listener) {
    for (int i = 0; i < accepts_per_event; i++) {
        int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0) {
            if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
            fail("accept4");
        }
        struct connection *connection = calloc(1, sizeof *connection);
        if (!connection) fail("calloc");
        connection->descriptor = descriptor;
        connection->interest = EPOLLIN;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) < 0) fail("epoll_ctl");
    }
}

static int listen_on(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "path too long\n");
        exit(2);
    }
    strcpy(address.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    unlink(path);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
    if (listen(listener, 4096) < 0) fail("listen");
    return listener;
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: c-epoll-echo SOCKET\n");
        return 2;
    }
    // Large buffers are used again instead of being mapped and faulted in anew each time.
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, 512 << 20);
    int listener = listen_on(arguments[1]);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) < 0) fail("epoll");
    static struct epoll_event events[events_per_wait];
    while (true) {
        int ready = epoll_wait(poller, events, events_per_wait, -1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) serve(events[i].data.ptr, events[i].events);
            else accept_some(listener);
        }
    }
}
