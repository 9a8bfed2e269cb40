// SPDX-License-Identifier: Apache-2.0
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct group;

// One thread, one loop. The measured connections come first: of the others (flooders), one event is handled at a time,
// and then the loop checks again for a measured reply, so that the load's own work for the flood hardly shows in the
// measured latencies.

void make_loop(void);
// The epoll instances on which connections register.
int measured_poller(void);
int background_poller(void);

// An open loop whose messages the loop sends when they are due. It never sleeps then, because a timer would add its own
// delay to the latencies.
void set_open_loop(struct group *group);

// Runs until this time, or until `enough` returns true (asked after each turn; may be NULL).
void run_until(uint64_t end, bool (*enough)(void));

#endif
