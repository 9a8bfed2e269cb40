// SPDX-License-Identifier: Apache-2.0
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct group;

// One thread, one loop. The measured connections come first: of the others (flooders) one event is handled at a time,
// and then it is asked again whether a measured reply is there, so that what the load itself has to do for the flood
// hardly shows in the measured latencies.

void make_loop(void);
// The epoll instances on which connections register.
int measured_poller(void);
int background_poller(void);

// An open loop whose messages the loop releases when they are due. It never sleeps then: a timer would add its own
// delay to the latencies.
void set_open_loop(struct group *group);

// Runs until this time, or until `enough` says so (asked after each turn; may be NULL).
void run_until(uint64_t end, bool (*enough)(void));

#endif
