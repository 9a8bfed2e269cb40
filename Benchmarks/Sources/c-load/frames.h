// SPDX-License-Identifier: Apache-2.0
#ifndef FRAMES_H
#define FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The frames: 4 bytes of big-endian length, and a message that begins with its number and its connection's, followed by
// a pattern. So a reply that is late, early, another's or altered is detected.

enum {
    smallest_message = 16,
    largest_message = 16 << 20,
    // 4 bytes of length, 8 of number, 4 of connection.
    head_size = 16,
    // Larger ones are sent from the pattern in place, and compared in part.
    small_frame = 4096,
};

// The size of the messages: all the same, or mixed, in the same sequence in every run.
struct sizes {
    size_t frame; // 4 + the message's size; 0: mixed
};

struct sizes fixed_size(size_t message);
struct sizes mixed_sizes(void);

// Call once, with the largest frame that will be sent.
void prepare_frames(size_t largest);

// Memory of its own for a message's body, with the same content as the pattern.
uint8_t *copy_of_pattern(size_t largest);

size_t mixed_frame_size(uint32_t connection, uint64_t number);

static inline size_t frame_size(struct sizes sizes, uint32_t connection, uint64_t number) {
    return sizes.frame ? sizes.frame : mixed_frame_size(connection, number);
}

size_t largest_frame(struct sizes sizes);

void make_head(uint32_t connection, uint64_t number, size_t frame, uint8_t *head);

// What follows the head, in frames of every size.
extern uint8_t *frame_pattern;

// Whether `count` bytes at `offset` behind the head are those of message `number` of this size. Of a large message,
// parts are compared: the edges, and a window that moves from message to message. `wholly`: all of every 64th.
bool body_matches(uint64_t number, size_t frame, const uint8_t *bytes, size_t offset, size_t count, bool wholly);

#endif
