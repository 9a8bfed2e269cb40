// SPDX-License-Identifier: Apache-2.0
#ifndef CLIBEVENT_H
#define CLIBEVENT_H

// First, before any libevent header: libevent's event-config.h defines _GNU_SOURCE, which renames a field of
// fd_set; if <sys/types.h> came later, it would disagree with the Glibc module that Swift has already built.
#include <sys/types.h>

#include <event2/event.h>

// Swift's Glibc module has neither.
#include <sys/eventfd.h>
#include <sys/timerfd.h>

// accept4 is a GNU extension that Glibc's headers hide without _GNU_SOURCE; the C library exports it all the same.
#include <sys/socket.h>
extern int accept4(int listener, struct sockaddr *address, socklen_t *length, int flags);

// So is renameat2 (stdio.h).
extern int renameat2(int from, const char *name, int to, const char *other, unsigned int flags);

// And sched_getaffinity (sched.h), whose mask is an array of bits.
extern int sched_getaffinity(int process, size_t byteCount, void *mask);

#endif
