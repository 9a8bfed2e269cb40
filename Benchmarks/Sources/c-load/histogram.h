// SPDX-License-Identifier: Apache-2.0
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

// Durations in nanoseconds by how often they occurred: 64 steps to every power of two, so a value that is read off is
// at most 1.6 % above the true one. Recording is a shift and an increment; nothing is sampled or left out.

enum { histogram_steps = 64, histogram_size = 60 * histogram_steps };

struct histogram {
    uint64_t counts[histogram_size];
    uint64_t total, maximum;
};

static inline unsigned histogram_index(uint64_t value) {
    if (value < histogram_steps) return (unsigned)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - 6;
    return (shift + 1) * histogram_steps + (unsigned)((value >> shift) - histogram_steps);
}

static inline void histogram_record(struct histogram *histogram, uint64_t value, uint64_t count) {
    histogram->counts[histogram_index(value)] += count;
    histogram->total += count;
    if (value > histogram->maximum) histogram->maximum = value;
}

// The value that the given part of all values (0 to 1) does not exceed.
static inline uint64_t histogram_quantile(const struct histogram *histogram, double part) {
    uint64_t rank = (uint64_t)(part * (double)histogram->total), seen = 0;
    for (unsigned i = 0; i < histogram_size; i++) {
        seen += histogram->counts[i];
        if (seen <= rank) continue;
        if (i < histogram_steps) return i;
        unsigned shift = i / histogram_steps - 1;
        uint64_t upper = ((uint64_t)(i % histogram_steps + histogram_steps + 1) << shift) - 1;
        return upper < histogram->maximum ? upper : histogram->maximum;
    }
    return histogram->maximum;
}

#endif
