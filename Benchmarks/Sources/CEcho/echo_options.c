// SPDX-License-Identifier: Apache-2.0
#include "echo_options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bytes.h"

static bool has_poll;

static void usage(void) {
    fprintf(
        stderr, "usage: %s SOCKET%s [--send-buffer BYTES] [--receive-buffer BYTES]\n", program_invocation_short_name,
        has_poll ? " [--poll MICROSECONDS]" : "");
    exit(2);
}

static int number(const char *text) {
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < 0 || value > INT_MAX) usage();
    return (int)value;
}

static void prepare_process(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) fail("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) fail("setrlimit");
    // With SIGPIPE ignored, a peer that has gone is an error of write(2), not the end of the server.
    signal(SIGPIPE, SIG_IGN);
    // Large buffers are reused instead of being mapped and faulted in each time.
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, 512 << 20);
}

struct echo_options echo_start(int count, char **arguments, bool polls) {
    static const struct option known[] = {
        {"send-buffer", required_argument, NULL, 's'},
        {"receive-buffer", required_argument, NULL, 'r'},
        {"poll", required_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    struct echo_options options = {0};
    int option;
    has_poll = polls;
    opterr = 0;
    while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) switch (option) {
        case 's': options.send_buffer = number(optarg); break;
        case 'r': options.receive_buffer = number(optarg); break;
        case 'p':
            if (!has_poll) usage();
            options.poll = number(optarg);
            break;
        default: usage();
        }
    if (optind != count - 1) usage();
    options.path = arguments[optind];
    prepare_process();
    return options;
}

int echo_listen(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "path too long\n");
        exit(2);
    }
    strcpy(address.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    unlink(path);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
    // The kernel gives less if net.core.somaxconn is less.
    if (listen(listener, 4096) < 0) fail("listen");
    return listener;
}

static void set(int descriptor, int option, int value) {
    if (value && setsockopt(descriptor, SOL_SOCKET, option, &value, sizeof value) < 0) fail("setsockopt");
}

void echo_size_buffers(const struct echo_options *options, int descriptor) {
    set(descriptor, SO_SNDBUF, options->send_buffer);
    set(descriptor, SO_RCVBUF, options->receive_buffer);
}
