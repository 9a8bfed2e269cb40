// SPDX-License-Identifier: Apache-2.0

// The floor: a hand-written echo server in C on raw epoll, for the load that c-load makes.
//
// One thread, level-triggered; one read per readiness and one write per burst. echo.h has the rest.
//
// Usage: c-epoll-echo SOCKET [--poll MICROSECONDS] [--send-buffer BYTES] [--receive-buffer BYTES]

#include <sys/epoll.h>
#include <time.h>

#include "echo_options.h"
#include "echo_socket.h"

enum {
    accepts_per_event = 64,
    events_per_wait = 1024,
};

struct connection {
    int descriptor;
    uint32_t interest;
    struct echo echo;
};

static struct echo_options options;
static int poller;
static struct epoll_event events[events_per_wait];

static void close_connection(struct connection *connection) {
    close(connection->descriptor);
    echo_release(&connection->echo);
    free(connection);
}

static void update_interest(struct connection *connection) {
    size_t waiting = count_of(&connection->echo.out);
    uint32_t interest = (waiting ? EPOLLOUT : 0) | (waiting > high_water ? 0 : EPOLLIN);
    if (interest == connection->interest) return;
    connection->interest = interest;
    struct epoll_event event = {.events = interest, .data.ptr = connection};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, connection->descriptor, &event) < 0) fail("epoll_ctl");
}

static void serve(struct connection *connection, uint32_t ready) {
    bool open = true;
    if (ready & EPOLLOUT) open = flush_out(&connection->echo, connection->descriptor);
    if (open && (ready & (EPOLLIN | EPOLLHUP | EPOLLERR))) open = echo_read(&connection->echo, connection->descriptor);
    if (!open) return close_connection(connection);
    update_interest(connection);
}

static void accept_some(int listener) {
    for (int i = 0; i < accepts_per_event; i++) {
        int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0) {
            if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
            fail("accept4");
        }
        echo_size_buffers(&options, descriptor);
        struct connection *connection = calloc(1, sizeof *connection);
        if (!connection) fail("calloc");
        connection->descriptor = descriptor;
        connection->interest = EPOLLIN;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) < 0) fail("epoll_ctl");
    }
}

static uint64_t microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// Waking up costs far more than asking once more: with --poll, the server asks for a while before it goes to sleep.
static int wait_for_events(void) {
    if (options.poll) {
        uint64_t end = microseconds() + (uint64_t)options.poll;
        do {
            int ready = epoll_wait(poller, events, events_per_wait, 0);
            if (ready) return ready;
        } while (microseconds() < end);
    }
    return epoll_wait(poller, events, events_per_wait, -1);
}

int main(int count, char **arguments) {
    options = echo_start(count, arguments, true);
    int listener = echo_listen(options.path);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) < 0) fail("epoll");
    while (true) {
        int ready = wait_for_events();
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) serve(events[i].data.ptr, events[i].events);
            else accept_some(listener);
        }
    }
}
