// SPDX-License-Identifier: Apache-2.0

// What sessions are compared with: libnats alone, on one thread and one epoll, without framing, credit, heart-beats or
// sequence numbers. Input is read in one go, and what it brought is taken from synchronous subscriptions until they are
// empty; output is written once after that. This is how NamedPipesNATS uses the library, too.
//
//     c-nats echo URL SUBJECT                                  sends back; prints "ready" when it is found
//     c-nats load URL SUBJECT SIZE IN-FLIGHT SECONDS WARM-UP   prints a line of JSON, as the other loads do

#include <nats/nats.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

enum { most_samples = 1 << 22 };

static int poller, watched = -1;
static bool wants_output;
static natsConnection *connection;

static void check(natsStatus status, const char *what) {
    if (status == NATS_OK) return;
    fprintf(stderr, "c-nats: %s: %s\n", what, natsStatus_GetText(status));
    exit(1);
}

// MARK: The library's adapter to a loop

static natsStatus attach(void **user_data, void *loop, natsConnection *nc, natsSock descriptor) {
    (void)nc;
    *user_data = loop;
    watched = descriptor;
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(poller, EPOLL_CTL_ADD, watched, &event);
    return NATS_OK;
}

static natsStatus watch_input(void *user_data, bool add) {
    (void)user_data, (void)add;
    return NATS_OK;
}

static natsStatus watch_output(void *user_data, bool add) {
    (void)user_data;
    if (add) wants_output = true;
    return NATS_OK;
}

static natsStatus detach(void *user_data) {
    (void)user_data;
    return NATS_OK;
}

static void open_connection(const char *url) {
    natsOptions *options;
    poller = epoll_create1(EPOLL_CLOEXEC);
    check(nats_Open(-1), "nats_Open");
    check(natsOptions_Create(&options), "natsOptions_Create");
    check(natsOptions_SetURL(options, url), "natsOptions_SetURL");
    check(natsOptions_SetAllowReconnect(options, false), "natsOptions_SetAllowReconnect");
    check(natsOptions_SetSendAsap(options, true), "natsOptions_SetSendAsap");
    check(natsOptions_SetEventLoop(options, &poller, attach, watch_input, watch_output, detach), "SetEventLoop");
    check(natsConnection_Connect(&connection, options), url);
}

static void write_output(void) {
    bool is_watched = false;
    while (wants_output) {
        wants_output = false;
        natsConnection_ProcessWriteEvent(connection);
        if (natsConnection_Buffered(connection) <= 0) break;
        // The broker does not read: the only case in which output is waited for.
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT};
        epoll_ctl(poller, EPOLL_CTL_MOD, watched, &event);
        is_watched = wants_output = true;
        epoll_wait(poller, &event, 1, -1);
        natsConnection_ProcessReadEvent(connection);
    }
    struct epoll_event event = {.events = EPOLLIN};
    if (is_watched) epoll_ctl(poller, EPOLL_CTL_MOD, watched, &event);
}

static void read_input(int timeout) {
    struct epoll_event event;
    if (epoll_wait(poller, &event, 1, timeout) > 0) natsConnection_ProcessReadEvent(connection);
    if (natsConnection_IsClosed(connection)) check(NATS_CONNECTION_CLOSED, "the broker is gone");
}

static natsSubscription *subscribe(const char *subject) {
    natsSubscription *made;
    check(natsConnection_SubscribeSync(&made, connection, subject), subject);
    check(natsSubscription_SetPendingLimits(made, -1, -1), "natsSubscription_SetPendingLimits");
    return made;
}

// MARK: The two programs

static void echo(const char *subject) {
    natsSubscription *requests = subscribe(subject);
    write_output();
    // It has been sent; the load waits for a first answer anyway.
    puts("ready");
    fflush(stdout);
    while (true) {
        read_input(-1);
        natsMsg *message;
        while (natsSubscription_NextMsg(&message, requests, 0) == NATS_OK) {
            const char *reply = natsMsg_GetReply(message);
            check(natsConnection_Publish(connection, reply, natsMsg_GetData(message), natsMsg_GetDataLength(message)), reply);
            natsMsg_Destroy(message);
        }
        write_output();
    }
}

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int ascending(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

struct load {
    const char *subject, *inbox;
    natsSubscription *answers;
    char *message;
    int size;
    uint64_t sent, answered, timed_number, timed_since;
    uint64_t *samples;
    size_t sample_count;
    uint64_t in_flight, untimed;
};

static void send_next(struct load *load) {
    // Of the messages in flight, one is timed, as in the other loads.
    if (++load->untimed == load->in_flight || load->sent == 0) {
        load->untimed = 0;
        load->timed_number = load->sent;
        load->timed_since = nanoseconds(CLOCK_MONOTONIC);
    }
    memcpy(load->message, &load->sent, sizeof load->sent);
    check(natsConnection_PublishRequest(connection, load->subject, load->inbox, load->message, load->size), "publish");
    load->sent++;
}

static void take_answers(struct load *load, bool is_measuring) {
    natsMsg *message;
    natsStatus status;
    while ((status = natsSubscription_NextMsg(&message, load->answers, 0)) == NATS_OK) {
        uint64_t number;
        if (natsMsg_GetDataLength(message) != load->size) check(NATS_ERR, "an answer of another size");
        memcpy(&number, natsMsg_GetData(message), sizeof number);
        bool is_same = memcmp(natsMsg_GetData(message) + 8, load->message + 8, (size_t)load->size - 8) == 0;
        if (number != load->answered || !is_same) check(NATS_ERR, "another answer than the next one");
        natsMsg_Destroy(message);
        if (number == load->timed_number && is_measuring && load->sample_count < most_samples)
            load->samples[load->sample_count++] = nanoseconds(CLOCK_MONOTONIC) - load->timed_since;
        load->answered++;
        send_next(load);
    }
    if (status == NATS_NO_RESPONDERS) check(status, load->subject);
}

static void run(struct load *load, double seconds, bool is_measuring) {
    uint64_t end = nanoseconds(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);
    while (nanoseconds(CLOCK_MONOTONIC) < end) {
        read_input(100);
        take_answers(load, is_measuring);
        write_output();
    }
}

static double quantile(const struct load *load, double part) {
    if (load->sample_count == 0) return 0;
    return (double)load->samples[(size_t)(part * (double)(load->sample_count - 1))] / 1e3;
}

static void load(char **arguments) {
    char inbox[64];
    snprintf(inbox, sizeof inbox, "_INBOX.c.%ld", (long)nanoseconds(CLOCK_REALTIME));
    struct load load = {
        .subject = arguments[0], .inbox = inbox, .answers = subscribe(inbox), .size = atoi(arguments[1]),
        .in_flight = strtoull(arguments[2], NULL, 10), .samples = calloc(most_samples, sizeof(uint64_t))};
    load.message = malloc((size_t)load.size);
    for (int i = 0; i < load.size; i++) load.message[i] = (char)(i * 167 + (i >> 8) * 13 + 1);
    for (uint64_t i = 0; i < load.in_flight; i++) send_next(&load);
    write_output();
    while (load.answered == 0) run(&load, 0.01, false);
    run(&load, atof(arguments[4]), false);
    uint64_t before = load.answered, begin = nanoseconds(CLOCK_MONOTONIC);
    uint64_t cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    run(&load, atof(arguments[3]), true);
    double seconds = (double)(nanoseconds(CLOCK_MONOTONIC) - begin) / 1e9;
    uint64_t messages = load.answered - before;
    qsort(load.samples, load.sample_count, sizeof(uint64_t), ascending);
    printf(
        "{\"messages\": %llu, \"seconds\": %.6f, \"messages_per_second\": %.1f, "
        "\"latency_us\": {\"p50\": %.2f, \"p99\": %.2f}, \"client_cpu_seconds\": %.6f}\n",
        (unsigned long long)messages, seconds, (double)messages / seconds, quantile(&load, 0.5), quantile(&load, 0.99),
        (double)(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e9);
}

int main(int count, char **arguments) {
    if (count == 4 && strcmp(arguments[1], "echo") == 0) {
        open_connection(arguments[2]);
        echo(arguments[3]);
    } else if (count == 8 && strcmp(arguments[1], "load") == 0) {
        open_connection(arguments[2]);
        load(arguments + 3);
    } else {
        fputs("usage: c-nats echo URL SUBJECT | load URL SUBJECT SIZE IN-FLIGHT SECONDS WARM-UP\n", stderr);
        return 2;
    }
    return 0;
}
