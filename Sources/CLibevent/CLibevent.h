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

// And statx (sys/stat.h), whose structure the kernel's header has.
#include <linux/stat.h>
extern int statx(int directory, const char *path, int flags, unsigned int mask, struct statx *status);

// So are preadv2 and pwritev2 (sys/uio.h). The pieces are of struct iovec, which here would become another type than
// Glibc's for Swift.
extern ssize_t preadv2(int descriptor, const void *pieces, int count, off_t offset, int flags);
extern ssize_t pwritev2(int descriptor, const void *pieces, int count, off_t offset, int flags);

// So is pipe2 (unistd.h).
extern int pipe2(int descriptors[2], int flags);

// So are these (spawn.h, glibc 2.34 and 2.29). The actions are of posix_spawn_file_actions_t.
extern int posix_spawn_file_actions_addclosefrom_np(void *actions, int first);
extern int posix_spawn_file_actions_addchdir_np(void *actions, const char *path);

// pidfd_open, for which the C library of older systems has no function. Close-on-exec.
extern long syscall(long number, ...);
static inline int named_pipes_pidfd_open(pid_t process) { return (int)syscall(434, process, 0); }

// And sched_getaffinity (sched.h), whose mask is an array of bits.
extern int sched_getaffinity(int process, size_t byteCount, void *mask);

#endif
