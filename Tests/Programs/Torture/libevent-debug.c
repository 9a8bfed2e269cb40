// SPDX-License-Identifier: Apache-2.0
//
// Preloaded into the tests, this switches on libevent's debug mode, which follows every event from its assignment to
// its end and aborts where one is used in a wrong state (event_enable_debug_mode(3)). It has to be on before any event
// is made, and its complaints have to be visible: the library keeps libevent's messages from the embedder's standard
// error.
//
// Its table of events has no lock, so the tests have to run one after the other. And it accepts only non-blocking
// descriptors: the tests of PipeReactor also watch files and blocking pipes, and are left out.
#include <sys/types.h>

#include <event2/event.h>

__attribute__((constructor)) static void begin(void) { event_enable_debug_mode(); }

void event_set_log_callback(event_log_cb callback) { (void)callback; }
