// SPDX-License-Identifier: Apache-2.0

// A load for echo servers that use 4-byte big-endian lengths: one thread on raw epoll, one read and one write per
// burst, so that the load is cheaper than most servers. c-load without arguments prints its options.
//
// The order and content of every reply are checked, or the run fails. Latencies go into a histogram without sampling.
// Rates, latencies and the server's CPU time are those of the measured time, after a warm-up; the output is one line of
// JSON.

#include <sys/resource.h>
#include <sys/socket.h>

#include "basics.h"
#include "connection.h"
#include "loop.h"
#include "options.h"
#include "report.h"
#include "server.h"

enum {
    measured_burst = 256 << 10,
    flood_burst = 32 << 10, // small, so that a measured reply does not wait long for the load itself
    flood_message = 64,
    first_reply_seconds = 60,
    last_reply_seconds = 5,
};

static struct group probe, idle, flood, measured;
static struct histogram latencies;

static uint64_t seconds_from_now(double seconds) { return now() + (uint64_t)(seconds * 1e9); }

// 19,000 connections are more than the usual soft limit, and the hard one is there to be used.
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) fail("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) fail("setrlimit");
}

static void make_groups(void) {
    struct sizes sizes = options.mixed_sizes ? mixed_sizes() : fixed_size(options.size);
    enum pace pace = options.churn ? pace_churn : options.rate > 0 ? pace_open : pace_closed;
    measured = (struct group){
        .pace = pace, .count = options.connections, .in_flight = options.in_flight, .sizes = sizes,
        .burst = options.own_memory ? largest_burst : measured_burst, .owns_bodies = options.own_memory,
        .poller = measured_poller(), .limit = options.messages ? options.messages : UINT64_MAX,
        .interval = options.rate > 0 ? 1e9 / options.rate : 0};
    idle = (struct group){
        .pace = pace_once, .count = options.idle, .sizes = fixed_size(flood_message), .burst = measured_burst,
        .poller = background_poller(), .limit = options.idle};
    probe = idle;
    probe.count = probe.limit = 1;
    flood = (struct group){
        .pace = pace_flood, .count = options.flooders, .sizes = fixed_size(flood_message), .burst = flood_burst,
        .poller = background_poller(), .limit = UINT64_MAX};
    size_t largest = largest_frame(sizes), other = largest_frame(flood.sizes);
    prepare_frames(largest > other ? largest : other);
}

static void open_all(struct group *group) {
    for (uint32_t i = 0; i < group->count; i++) open_connection(&group->connections[i]);
}

static const struct group *awaited;

static bool has_everyone_had_a_reply(void) {
    static uint32_t so_far;
    static const struct group *asked;
    if (asked != awaited) so_far = 0, asked = awaited;
    while (so_far < awaited->count && awaited->connections[so_far].received > 0) so_far++;
    return so_far == awaited->count;
}

static void await_first_replies(const struct group *group) {
    awaited = group;
    if (group->count == 0 || has_everyone_had_a_reply()) return;
    run_until(seconds_from_now(first_reply_seconds), has_everyone_had_a_reply);
    if (has_everyone_had_a_reply()) return;
    fprintf(stderr, "c-load: a first reply did not come within %d s\n", first_reply_seconds);
    exit(1);
}

static void await_one_round_trip_each(struct group *group) {
    for (uint32_t i = 0; i < group->count; i++) {
        group->connections[i].allowed = 1;
        send_allowed(&group->connections[i]);
    }
    await_first_replies(group);
}

static void do_one_round_trip_each(struct group *group, uint32_t first_index) {
    if (group->count == 0) return;
    make_connections(group, first_index);
    open_all(group);
    await_one_round_trip_each(group);
}

// A server that accepts one client in each turn of its loop, as Node does, hardly reaches the last of thousands beside
// those that are busy already: no connection goes on before each has had a reply.
static void admit_all(struct group *group) {
    enum pace pace = group->pace;
    group->pace = pace_once;
    await_one_round_trip_each(group);
    group->pace = pace;
}

static void begin_measured(void) {
    make_connections(&measured, 0);
    if (measured.pace != pace_churn) open_all(&measured);
    measured.start = now();
    if (measured.pace == pace_open) return set_open_loop(&measured);
    if (measured.pace == pace_closed && !options.messages) admit_all(&measured);
    for (uint32_t i = 0; i < measured.count; i++) {
        struct connection *connection = &measured.connections[i];
        if (connection->limit == 0) continue;
        if (measured.pace == pace_churn) {
            begin_churn(connection);
        } else {
            uint64_t allowed = connection->received + measured.in_flight;
            connection->allowed = allowed < connection->limit ? allowed : connection->limit;
            send_allowed(connection);
        }
    }
}

static void begin_flood(void) {
    if (flood.count == 0) return;
    make_connections(&flood, measured.count + idle.count);
    open_all(&flood);
    for (uint32_t i = 0; i < flood.count; i++) {
        flood.connections[i].allowed = UINT64_MAX;
        send_allowed(&flood.connections[i]);
    }
}

static bool is_every_message_answered(void) { return measured.replies == measured.limit; }

static uint64_t bytes_received(void) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < measured.count; i++) {
        const struct connection *connection = &measured.connections[i];
        for (uint64_t n = 0; !measured.sizes.frame && n < connection->received; n++)
            bytes += frame_size(measured.sizes, connection->index, n);
        bytes += connection->received * measured.sizes.frame;
    }
    return bytes;
}

// A message that was due and never answered, or never even left, counts with the time that it has waited by now.
static uint64_t record_unanswered(void) {
    uint64_t count = 0, time = now();
    for (uint32_t i = 0; i < measured.count; i++) {
        const struct connection *connection = &measured.connections[i];
        uint64_t due = measured.limit / measured.count + (i < measured.limit % measured.count);
        for (uint64_t n = connection->received; n < due; n++, count++)
            histogram_record(&latencies, time - message_begin(connection, n), 1);
    }
    return count;
}

static uint64_t await_last_replies(uint64_t end) {
    uint64_t due = (uint64_t)((double)(end - measured.start) / measured.interval) + 1;
    if (due < measured.limit) measured.limit = due;
    if (!is_every_message_answered()) run_until(seconds_from_now(last_reply_seconds), is_every_message_answered);
    return record_unanswered();
}

static void measure(struct outcome *outcome) {
    uint64_t replies_before = measured.replies, bytes_before = bytes_received(), flood_before = flood.replies;
    measured.latencies = &latencies;
    outcome->begin = usage_now();
    if (options.messages) run_until(UINT64_MAX, is_every_message_answered);
    else run_until(seconds_from_now(options.seconds), NULL);
    outcome->end = usage_now();
    outcome->messages = measured.replies - replies_before;
    outcome->bytes = bytes_received() - bytes_before;
    outcome->flood_messages = flood.replies - flood_before;
    outcome->resident.after = server_resident_bytes();
    if (measured.pace == pace_open) outcome->unanswered = await_last_replies(outcome->end.time);
}

static int granted_send_buffer(void) {
    int size = 0;
    socklen_t length = sizeof size;
    getsockopt(measured.connections[0].descriptor, SOL_SOCKET, SO_SNDBUF, &size, &length);
    return size;
}

int main(int count, char **arguments) {
    struct outcome outcome = {0};
    parse_options(count, arguments);
    raise_descriptor_limit();
    make_loop();
    make_groups();
    // The first connection faults in memory that the server uses for all: that is not the cost of a connection.
    do_one_round_trip_each(&probe, UINT32_MAX);
    close_connection(&probe.connections[0]);
    outcome.resident.before = server_resident_bytes();
    do_one_round_trip_each(&idle, measured.count);
    outcome.resident.idle = server_resident_bytes();
    begin_measured();
    begin_flood();
    if (!options.messages) {
        run_until(seconds_from_now(options.warm_up), NULL);
        await_first_replies(&measured);
    }
    measure(&outcome);
    outcome.send_buffer = granted_send_buffer();
    report(&measured, &outcome);
    return 0;
}
