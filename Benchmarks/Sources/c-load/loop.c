// SPDX-License-Identifier: Apache-2.0
#include "loop.h"

#include <sys/epoll.h>

#include "basics.h"
#include "connection.h"
#include "options.h"

enum { events_per_wait = 1024, releases_per_turn = 64, longest_wait = 1000 };

static int measured, background;
static struct group *open_loop;

void make_loop(void) {
    measured = epoll_create1(EPOLL_CLOEXEC);
    background = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (measured < 0 || background < 0) fail("epoll_create1");
    if (epoll_ctl(measured, EPOLL_CTL_ADD, background, &event) < 0) fail("epoll_ctl");
}

int measured_poller(void) { return measured; }
int background_poller(void) { return background; }
void set_open_loop(struct group *group) { open_loop = group; }

static void serve(const struct epoll_event *event) {
    struct connection *connection = event->data.ptr;
    if (event->events & EPOLLOUT) send_allowed(connection);
    if (event->events & ~(uint32_t)EPOLLOUT) receive(connection);
}

static void serve_background(void) {
    struct epoll_event event;
    int ready = epoll_wait(background, &event, 1, 0);
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    if (ready > 0) serve(&event);
}

static int wait_for_events(struct epoll_event *events, int timeout) {
    int ready = epoll_wait(measured, events, events_per_wait, timeout);
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    return ready;
}

// Looks without sleeping first, for as long as --poll says.
static int poll_and_wait(struct epoll_event *events, uint64_t time, uint64_t end) {
    if (open_loop) return wait_for_events(events, 0);
    if (options.poll_nanoseconds) {
        uint64_t limit = time + options.poll_nanoseconds;
        do {
            int ready = wait_for_events(events, 0);
            if (ready > 0) return ready;
        } while (now() < limit);
    }
    uint64_t milliseconds = (end - time) / 1000000 + 1;
    return wait_for_events(events, milliseconds < longest_wait ? (int)milliseconds : longest_wait);
}

// A message that is due and late is sent all the same, and its latency counts from when it was due: none is dropped.
static void release_due(struct group *group, uint64_t time) {
    for (int i = 0; i < releases_per_turn && group->released < group->limit; i++) {
        struct connection *connection = &group->connections[group->released % group->count];
        if (message_begin(connection, connection->allowed) > time) return;
        group->released++;
        connection->allowed++;
        if (!connection->awaits_writability) send_allowed(connection);
    }
}

void run_until(uint64_t end, bool (*enough)(void)) {
    static struct epoll_event events[events_per_wait];
    uint64_t time;
    while ((time = now()) < end) {
        if (open_loop) release_due(open_loop, time);
        int ready = poll_and_wait(events, time, end);
        bool is_background_ready = false;
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) serve(&events[i]);
            else is_background_ready = true;
        }
        if (is_background_ready) serve_background();
        if (enough && enough()) return;
    }
}
