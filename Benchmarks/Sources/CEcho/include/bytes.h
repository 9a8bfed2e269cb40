// SPDX-License-Identifier: Apache-2.0
#ifndef BYTES_H
#define BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void fail(const char *what) {
    perror(what);
    exit(1);
}

// Bytes [start, end) of memory are waiting.
struct bytes {
    uint8_t *memory;
    size_t start, end, capacity;
};

static inline size_t count_of(const struct bytes *bytes) { return bytes->end - bytes->start; }

static inline void reserve(struct bytes *bytes, size_t count) {
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

static inline void append(struct bytes *bytes, const void *source, size_t count) {
    reserve(bytes, count);
    memcpy(bytes->memory + bytes->end, source, count);
    bytes->end += count;
}

static inline void release(struct bytes *bytes) {
    free(bytes->memory);
    *bytes = (struct bytes){0};
}

#endif
