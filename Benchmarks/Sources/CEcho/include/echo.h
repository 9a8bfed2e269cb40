// SPDX-License-Identifier: Apache-2.0
#ifndef ECHO_H
#define ECHO_H

// The frames of an echo server in C, independent of how it learns that a descriptor is ready: 4 bytes of big-endian
// length, then the body. Every message goes through a handler that queues a copy of it, as a library has to do it. All
// connections share one read buffer and one burst of replies. A frame larger than the read buffer is read into memory
// of its own, which the handler then hands over for sending instead of copying it.
//
// It is a header, included by one file of a program, so that the compiler sees the whole program at once.

#include <arpa/inet.h>
#include <stdbool.h>

#include "bytes.h"

enum {
    read_size = 256 << 10,
    maximum_message = 16 << 20,
    // Above this much unsent output a connection is not read.
    high_water = 1 << 20,
};

struct echo {
    struct bytes in;   // the beginning of a frame, if any; an idle connection owns nothing
    struct bytes out;  // what the kernel has not taken
    size_t frame_size; // of a frame that is read into `in` directly; else 0
};

static uint8_t read_buffer[read_size];
static struct bytes burst; // what the handler has queued of this burst

// The handler: answers a message with the same message.
static inline void handle_message(const uint8_t *message, uint32_t size) {
    uint32_t header = htonl(size);
    reserve(&burst, 4 + (size_t)size);
    memcpy(burst.memory + burst.end, &header, 4);
    memcpy(burst.memory + burst.end + 4, message, size);
    burst.end += 4 + (size_t)size;
}

// The handler of a large message, which it owns along with its header: answers with the same memory.
static inline void handle_large_message(struct echo *echo, struct bytes *frame) {
    if (echo->out.end == 0) {
        echo->out = *frame;
        *frame = (struct bytes){0};
    } else {
        append(&echo->out, frame->memory + frame->start, count_of(frame));
        release(frame);
    }
}

static inline uint32_t length_at(const uint8_t *bytes) {
    uint32_t length;
    memcpy(&length, bytes, 4);
    return ntohl(length);
}

// Passes on whole frames; the rest is kept for the next read.
static inline bool walk(struct echo *echo, const uint8_t *bytes, size_t count) {
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
    if (count > 0) append(&echo->in, bytes, count);
    echo->frame_size = frame_size > read_size ? frame_size : 0;
    return true;
}

// The place for the next bytes; `room` is its size.
static inline uint8_t *echo_target(struct echo *echo, size_t *room) {
    size_t carried = count_of(&echo->in);
    if (echo->frame_size) {
        reserve(&echo->in, echo->frame_size - carried);
        *room = echo->frame_size - carried;
        return echo->in.memory + echo->in.end;
    }
    if (carried) memcpy(read_buffer, echo->in.memory + echo->in.start, carried);
    *room = read_size - carried;
    return read_buffer + carried;
}

// Takes the `count` bytes that were read to the target. The replies are then in the burst, or, for a large message, in
// `out`. False if the bytes are not our protocol.
static inline bool echo_take(struct echo *echo, size_t count) {
    struct bytes *in = &echo->in;
    if (echo->frame_size) {
        in->end += count;
        if (count_of(in) < echo->frame_size) return true;
        echo->frame_size = 0;
        handle_large_message(echo, in);
        return true;
    }
    size_t carried = count_of(in);
    if (carried) release(in);
    return walk(echo, read_buffer, carried + count);
}

static inline void echo_release(struct echo *echo) {
    release(&echo->in);
    release(&echo->out);
}

#endif
