// SPDX-License-Identifier: Apache-2.0
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
    const char *path;
    uint32_t connections, in_flight;
    size_t size;
    bool mixed_sizes, own_memory;
    double seconds, warm_up;
    uint64_t messages; // instead of seconds; 0: as many as come
    double rate;       // messages a second on all connections together; 0: closed loop
    bool churn;
    uint32_t idle, flooders;
    int send_buffer, receive_buffer; // 0: as the kernel gives them
    uint64_t poll_nanoseconds;
    int server;
};

extern struct options options;

// Ends the program with a message about the error.
void parse_options(int count, char **arguments);

#endif
