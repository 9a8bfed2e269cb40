// SPDX-License-Identifier: Apache-2.0
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

struct group;

struct usage {
    uint64_t time, own_cpu, server_cpu;
};

struct usage usage_now(void);

struct resident {
    uint64_t before; // the server has served one connection, which has ended
    uint64_t idle;   // the idle connections have had their round trip
    uint64_t after;  // at the end of what was measured, with all connections open
};

struct outcome {
    uint64_t messages, bytes, flood_messages, unanswered;
    struct usage begin, end;
    struct resident resident;
    int send_buffer; // granted
};

// Prints one line of JSON.
void report(const struct group *measured, const struct outcome *outcome);

#endif
