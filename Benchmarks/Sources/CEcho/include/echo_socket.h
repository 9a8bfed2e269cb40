// SPDX-License-Identifier: Apache-2.0
#ifndef ECHO_SOCKET_H
#define ECHO_SOCKET_H

// Reading and writing for the servers that make the system calls themselves: one read per readiness, one write per
// burst. The functions return false when the connection is over.

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"

// Returns how many bytes the kernel took, or -1 if the peer is gone.
static inline ssize_t write_some(int descriptor, const void *bytes, size_t count) {
    ssize_t taken;
    do taken = send(descriptor, bytes, count, MSG_NOSIGNAL);
    while (taken < 0 && errno == EINTR);
    if (taken < 0 && errno == EAGAIN) return 0;
    return taken;
}

static inline bool flush_out(struct echo *echo, int descriptor) {
    struct bytes *out = &echo->out;
    ssize_t taken = write_some(descriptor, out->memory + out->start, count_of(out));
    if (taken < 0) return false;
    out->start += (size_t)taken;
    if (out->start == out->end) release(out);
    return true;
}

// One write for everything that the handler queued.
static inline bool flush_burst(struct echo *echo, int descriptor) {
    size_t count = burst.end, taken = 0;
    burst.end = 0;
    if (echo->out.end == 0) {
        ssize_t result = write_some(descriptor, burst.memory, count);
        if (result < 0) return false;
        taken = (size_t)result;
    }
    if (taken < count) append(&echo->out, burst.memory + taken, count - taken);
    return true;
}

static inline bool echo_read(struct echo *echo, int descriptor) {
    size_t room;
    uint8_t *target = echo_target(echo, &room);
    ssize_t count = read(descriptor, target, room);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    bool was_waiting = echo->out.end > 0;
    if (count == 0 || !echo_take(echo, (size_t)count)) return false;
    if (burst.end > 0) return flush_burst(echo, descriptor);
    bool is_handed_over = !was_waiting && echo->out.end > 0;
    return !is_handed_over || flush_out(echo, descriptor);
}

#endif
