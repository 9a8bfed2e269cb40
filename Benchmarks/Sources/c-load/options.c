// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "frames.h"

struct options options = {.connections = 1, .in_flight = 1, .size = 64, .seconds = 1, .warm_up = 0.1};

static const char usage[] =
    "usage: c-load --path SOCKET [OPTION]...\n"
    "The load:\n"
    "  --connections N         measured connections; default 1\n"
    "  --in-flight K           messages in flight on each; default 1\n"
    "  --size BYTES            of a message, 16 to 16777216; default 64\n"
    "  --sizes mixed           64 B to 1 MiB instead, each power of two as often as the next\n"
    "  --own-memory            for large messages: each in flight has memory of its own, where it otherwise leaves\n"
    "                          from memory that all share; reads 512 KiB a call, not 256; compares every 64th wholly\n"
    "  --rate N                open loop: N messages a second on all connections together, at fixed times;\n"
    "                          latency counts from the time at which a message was due\n"
    "  --churn                 each connection: connect, one round trip, close, again\n"
    "Beside it, and not in its figures:\n"
    "  --idle N                connections that do one round trip before the measured ones begin, then nothing\n"
    "  --flood N               connections that send 64 B messages as fast as the socket takes them\n"
    "How long:\n"
    "  --seconds S             default 1\n"
    "  --messages N            exactly N messages instead, without a warm-up\n"
    "  --warm-up S             before it is measured; default 0.1\n"
    "How:\n"
    "  --send-buffer BYTES     SO_SNDBUF, see socket(7)\n"
    "  --receive-buffer BYTES  SO_RCVBUF\n"
    "  --poll MICROSECONDS     look so long for replies before sleeping; default 0\n"
    "  --server-pid PID        report this process's cpu time and memory as well\n";

static void refuse(const char *why) {
    fprintf(stderr, "c-load: %s\n%s", why, usage);
    exit(2);
}

static double number(const char *text, double least, double most) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != 0 || !(value >= least && value <= most)) refuse("a number is out of its range");
    return value;
}

static uint32_t whole(const char *text, double least) { return (uint32_t)number(text, least, 1e9); }

static void take_option(int option, const char *value) {
    switch (option) {
    case 'p': options.path = value; break;
    case 'n': options.connections = whole(value, 1); break;
    case 'k': options.in_flight = whole(value, 1); break;
    case 's': options.size = (size_t)number(value, smallest_message, largest_message); break;
    case 'x':
        if (strcmp(value, "mixed") != 0) refuse("the one word that --sizes knows is mixed");
        options.mixed_sizes = true;
        break;
    case 'o': options.own_memory = true; break;
    case 'r': options.rate = number(value, 1, 1e9); break;
    case 'c': options.churn = true; break;
    case 'i': options.idle = whole(value, 0); break;
    case 'f': options.flooders = whole(value, 0); break;
    case 't': options.seconds = number(value, 1e-3, 1e6); break;
    case 'm': options.messages = (uint64_t)number(value, 1, 1e15); break;
    case 'w': options.warm_up = number(value, 0, 1e6); break;
    case 'S': options.send_buffer = (int)whole(value, 0); break;
    case 'R': options.receive_buffer = (int)whole(value, 0); break;
    case 'b': options.poll_nanoseconds = (uint64_t)(number(value, 0, 1e6) * 1e3); break;
    case 'P': options.server = (int)whole(value, 1); break;
    default: refuse("no such option");
    }
}

void parse_options(int count, char **arguments) {
    static const struct option known[] = {
        {"path", required_argument, NULL, 'p'},        {"connections", required_argument, NULL, 'n'},
        {"in-flight", required_argument, NULL, 'k'},   {"size", required_argument, NULL, 's'},
        {"sizes", required_argument, NULL, 'x'},       {"own-memory", no_argument, NULL, 'o'},
        {"rate", required_argument, NULL, 'r'},        {"churn", no_argument, NULL, 'c'},
        {"idle", required_argument, NULL, 'i'},
        {"flood", required_argument, NULL, 'f'},       {"seconds", required_argument, NULL, 't'},
        {"messages", required_argument, NULL, 'm'},    {"warm-up", required_argument, NULL, 'w'},
        {"send-buffer", required_argument, NULL, 'S'}, {"receive-buffer", required_argument, NULL, 'R'},
        {"poll", required_argument, NULL, 'b'},        {"server-pid", required_argument, NULL, 'P'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) take_option(option, optarg);
    if (optind < count) refuse("that is no option");
    if (!options.path || strlen(options.path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        refuse("--path is missing or too long");
    if (options.churn && options.rate > 0) refuse("--churn has no --rate");
    if (options.churn && options.in_flight != 1) refuse("--churn has one message in flight");
    if (options.messages) options.warm_up = 0;
}
