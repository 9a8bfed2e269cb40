// SPDX-License-Identifier: Apache-2.0
//
// Preloaded into the tests, this switches on libevent's debug mode, which follows every event from its assignment to
// its end and aborts where one is used in a wrong state (event_enable_debug_mode(3)). It has to come before any event,
// and what it complains about has to be seen: the library keeps libevent's messages from the embedder's standard error.
//
// Its table of events has no lock, so the tests have to run one after the other. And it takes non-blocking descriptors
// only: the tests of PipeReactor watch files and blocking pipes, too, and stay out.
#include <sys/types.h>

#include <event2/event.h>

__attribute__((constructor)) static void begin(void) { event_enable_debug_mode(); }

void event_set_log_callback(event_log_cb callback) { (void)callback; }
