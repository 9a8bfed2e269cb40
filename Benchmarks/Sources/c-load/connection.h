// SPDX-License-Identifier: Apache-2.0
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frames.h"
#include "histogram.h"

// When a connection sends.
enum pace {
    pace_closed, // the next message as soon as a reply has come
    pace_churn,  // connect, one round trip, close, again
    pace_open,   // at fixed times, whatever has come back
    pace_flood,  // whenever the socket takes something
    pace_once,   // one round trip, then silence
};

enum { largest_burst = 512 << 10 };

struct connection;

// Connections with the same behaviour.
struct group {
    enum pace pace;
    uint32_t count, in_flight;
    struct sizes sizes;
    size_t burst; // bytes that one system call reads, or sends of small messages
    bool owns_bodies; // each message in flight is sent from memory of its own, and every 64th compared wholly
    int poller;
    struct connection *connections;
    uint64_t limit;           // messages on all connections together
    uint64_t replies;
    struct histogram *latencies; // NULL: not measured now
    // Open loop: message n of connection i is due at start + (n * count + i) * interval.
    uint64_t start, released;
    double interval;
};

struct connection {
    struct group *group;
    int descriptor;
    uint32_t index;
    bool awaits_writability;
    uint64_t allowed;  // how many messages may have been sent by now
    uint64_t limit;    // and how many ever
    uint64_t sent;     // those that have left wholly
    size_t sent_part;  // bytes of the next that have left
    uint64_t received;
    size_t received_part;
    uint8_t head[head_size]; // of the reply that is arriving
    uint64_t *sent_at;       // closed loop: a ring of `in_flight` times
    uint8_t **bodies;        // as many, if the group owns them
};

// Makes the group's connections, without opening them; their indices begin at `first_index`.
void make_connections(struct group *group, uint32_t first_index);
void open_connection(struct connection *connection);
void close_connection(struct connection *connection);

// Sends as much as is allowed and fits.
void send_allowed(struct connection *connection);
// Reads once, checks the bytes, and goes on at the group's pace.
void receive(struct connection *connection);

void begin_churn(struct connection *connection);

// The time from which the latency of a message counts.
uint64_t message_begin(const struct connection *connection, uint64_t number);

#endif
