// SPDX-License-Identifier: Apache-2.0
#ifndef CPROGRAM_H
#define CPROGRAM_H

// What a program needs of C that Swift cannot do: the arguments as main(3) had them, and what happens between fork(2) and
// execve(2), where no Swift may run.

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

/// The arguments of main(3). Swift's own come from /proc/self/cmdline, which is not always there.
int program_argument_count(void);
const char *program_argument(int index);

/// What a child process is to be. Descriptors that are not named here are closed in it.
struct program_child {
    const char *path;
    char *const *arguments;
    char *const *environment;
    /// What becomes descriptors 0, 1 and 2.
    int input, output, error;
    /// One per resource.
    const struct rlimit *limits;
    /// One per signal number: whether it is ignored. All others have their default.
    const unsigned char *ignored;
    sigset_t blocked;
    /// What the kernel sends it when the thread that starts it ends; 0 for nothing (PR_SET_PDEATHSIG).
    int parent_death_signal;
};

/// The number of resources, and the one behind the last signal number.
enum { program_limit_count = RLIM_NLIMITS, program_signal_count = _NSIG };

/// Starts a child in a process group of its own.
///
/// Returns its process ID, or a negated errno of what stood against it, execve(2) included.
pid_t program_spawn(const struct program_child *child);

/// pidfd_open(2), for which the C library of older systems has no function. Close-on-exec.
int program_pidfd_open(pid_t process);

#endif
