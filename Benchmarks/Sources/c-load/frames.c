// SPDX-License-Identifier: Apache-2.0
#include "frames.h"

#include <arpa/inet.h>
#include <string.h>

#include "basics.h"

enum {
    // Of a large frame the first and the last 64 bytes are compared, and a window that moves from message to message:
    // comparing all of 4 MiB would measure this program.
    edge_size = 64,
    window_size = 4096,
    wholly_every = 64,
    mixed_smallest = 64,
    mixed_doublings = 14, // to 1 MiB
    mixed_count = 4096,
};

uint8_t *frame_pattern;
static size_t mixed[mixed_count];

struct sizes fixed_size(size_t message) { return (struct sizes){.frame = message + 4}; }

// Each doubling is as likely as the next, so most messages are small and most bytes belong to large ones, as in
// practice.
struct sizes mixed_sizes(void) {
    uint64_t state = 1;
    for (size_t i = 0; i < mixed_count; i++) {
        state = state * 6364136223846793005 + 1442695040888963407; // Knuth's MMIX generator; its high bits are good
        size_t doubling = (size_t)(state >> 32) % mixed_doublings;
        size_t smallest = (size_t)mixed_smallest << doubling;
        mixed[i] = 4 + smallest + (size_t)(state >> 24) % smallest;
    }
    return (struct sizes){.frame = 0};
}

size_t mixed_frame_size(uint32_t connection, uint64_t number) {
    return mixed[(number + connection * 257) % mixed_count]; // each connection begins elsewhere
}

size_t largest_frame(struct sizes sizes) {
    return sizes.frame ? sizes.frame : 4 + ((size_t)mixed_smallest << mixed_doublings);
}

void prepare_frames(size_t largest) {
    frame_pattern = zeroed(largest, 1);
    for (size_t i = 0; i < largest; i++) frame_pattern[i] = (uint8_t)(i * 167 + (i >> 8) * 13 + 1);
}

uint8_t *copy_of_pattern(size_t largest) {
    uint8_t *copy = zeroed(largest, 1);
    memcpy(copy, frame_pattern, largest);
    return copy;
}

void make_head(uint32_t connection, uint64_t number, size_t frame, uint8_t *head) {
    uint32_t length = htonl((uint32_t)(frame - 4));
    memcpy(head, &length, 4);
    memcpy(head + 4, &number, 8);
    memcpy(head + 12, &connection, 4);
}

// Compares what `count` bytes at `offset` have in common with [low, high).
static bool part_matches(const uint8_t *bytes, size_t offset, size_t count, size_t low, size_t high) {
    size_t from = offset > low ? offset : low;
    size_t to = offset + count < high ? offset + count : high;
    return from >= to || memcmp(bytes + (from - offset), frame_pattern + from, to - from) == 0;
}

bool body_matches(uint64_t number, size_t frame, const uint8_t *bytes, size_t offset, size_t count, bool wholly) {
    size_t size = frame - head_size;
    if (frame <= small_frame) return part_matches(bytes, offset, count, 0, size);
    if (wholly && number % wholly_every == 0) return part_matches(bytes, offset, count, 0, size);
    size_t window = (size_t)(number * window_size % size);
    size_t window_end = window + window_size < size ? window + window_size : size;
    return part_matches(bytes, offset, count, 0, edge_size) &&
           part_matches(bytes, offset, count, size - edge_size, size) &&
           part_matches(bytes, offset, count, window, window_end);
}
