// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include "basics.h"
#include "connection.h"
#include "options.h"
#include "server.h"

typedef unsigned long long number;

struct usage usage_now(void) {
    return (struct usage){now(), nanoseconds(CLOCK_PROCESS_CPUTIME_ID), server_cpu()};
}

static double microseconds(const struct histogram *latencies, double part) {
    return (double)histogram_quantile(latencies, part) / 1e3;
}

// Points of the curve, four for each halving of the remaining part, as far as there are messages beyond.
static void print_curve(const struct histogram *latencies) {
    printf(", \"latency_curve_us\": [");
    const double quarter = 0.8408964152537145; // of a halving: 2 to the power of -1/4
    for (double beyond = 1; beyond * (double)latencies->total >= 1; beyond *= quarter)
        printf("[%.8g, %.2f], ", 100 * (1 - beyond), microseconds(latencies, 1 - beyond));
    printf("[100, %.2f]]", (double)latencies->maximum / 1e3);
}

static void print_latencies(const struct histogram *latencies) {
    printf(
        ", \"latency_us\": {\"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"p99.9\": %.2f, \"max\": %.2f}",
        microseconds(latencies, 0.5), microseconds(latencies, 0.9), microseconds(latencies, 0.99),
        microseconds(latencies, 0.999), (double)latencies->maximum / 1e3);
    print_curve(latencies);
}

static void print_server(const struct outcome *outcome) {
    const struct resident *resident = &outcome->resident;
    uint64_t cpu = outcome->end.server_cpu - outcome->begin.server_cpu;
    printf(", \"server_cpu_seconds\": %.9f", (double)cpu / 1e9);
    printf(", \"server_cpu_ns_per_message\": %.2f", outcome->messages ? (double)cpu / (double)outcome->messages : 0);
    printf(
        ", \"server_resident_bytes\": {\"before\": %llu, \"idle\": %llu, \"after\": %llu}", (number)resident->before,
        (number)resident->idle, (number)resident->after);
    if (options.idle == 0) return;
    double grown = (double)resident->idle - (double)resident->before;
    printf(", \"server_resident_bytes_per_connection\": %.1f", grown / options.idle);
}

void report(const struct group *measured, const struct outcome *outcome) {
    double seconds = (double)(outcome->end.time - outcome->begin.time) / 1e9;
    double own_cpu = (double)(outcome->end.own_cpu - outcome->begin.own_cpu) / 1e9;
    printf("{\"messages\": %llu, \"seconds\": %.6f", (number)outcome->messages, seconds);
    printf(", \"messages_per_second\": %.1f", (double)outcome->messages / seconds);
    printf(", \"bytes_per_second\": %.1f", (double)outcome->bytes / seconds);
    print_latencies(measured->latencies);
    printf(", \"client_cpu_seconds\": %.6f", own_cpu);
    if (options.server) print_server(outcome);
    if (options.rate > 0) printf(", \"unanswered\": %llu", (number)outcome->unanswered);
    if (options.send_buffer) printf(", \"send_buffer_granted\": %d", outcome->send_buffer);
    if (options.flooders) {
        number flood = outcome->flood_messages;
        printf(", \"flood\": {\"messages\": %llu, \"messages_per_second\": %.1f}", flood, (double)flood / seconds);
    }
    printf("}\n");
}
