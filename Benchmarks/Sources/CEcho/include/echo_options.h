// SPDX-License-Identifier: Apache-2.0
#ifndef ECHO_OPTIONS_H
#define ECHO_OPTIONS_H

#include <stdbool.h>

struct echo_options {
    const char *path;
    int poll; // how long to poll before blocking, in microseconds
    int send_buffer, receive_buffer; // SO_SNDBUF and SO_RCVBUF of every connection, in bytes; 0: as the kernel has it
};

// Reads the command line, and ends the program with a usage line if it is wrong; then prepares the process for
// thousands of clients. `polls`: whether this server has --poll.
struct echo_options echo_start(int count, char **arguments, bool polls);

// A socket that listens on the path, non-blocking.
int echo_listen(const char *path);

// Gives a connection the requested buffer sizes.
void echo_size_buffers(const struct echo_options *options, int descriptor);

#endif
