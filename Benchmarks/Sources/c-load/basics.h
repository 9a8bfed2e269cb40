// SPDX-License-Identifier: Apache-2.0
#ifndef BASICS_H
#define BASICS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// Every error ends the program: a load that lost a connection measures something else.

__attribute__((noreturn)) static inline void fail(const char *what) {
    perror(what);
    exit(1);
}

static inline void *zeroed(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory) fail("calloc");
    return memory;
}

static inline uint64_t nanoseconds(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time) < 0) fail("clock_gettime");
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static inline uint64_t now(void) { return nanoseconds(CLOCK_MONOTONIC); }

#endif
