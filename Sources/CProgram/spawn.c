// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CProgram.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Everything from here to execve(2) runs in the child of a process that may have other threads: only what is
// async-signal-safe (signal-safety(7)) is called.

static int move_up(int *descriptor) {
    *descriptor = fcntl(*descriptor, F_DUPFD_CLOEXEC, 3);
    return *descriptor < 0 ? -1 : 0;
}

static int set_descriptors(const struct program_child *child) {
    int wanted[3] = {child->input, child->output, child->error};
    // Out of the way first: one that is wanted as 1 may be 0 now.
    for (int number = 0; number < 3; number++)
        if (move_up(&wanted[number]) != 0) return -1;
    for (int number = 0; number < 3; number++)
        if (dup2(wanted[number], number) < 0) return -1;
#ifdef SYS_close_range
    enum { close_range_cloexec = 4 };
    if (syscall(SYS_close_range, 3u, ~0u, close_range_cloexec) == 0) return 0;
#endif
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    for (rlim_t number = 3; number < limit.rlim_cur; number++) fcntl((int)number, F_SETFD, FD_CLOEXEC);
    return 0;
}

static int set_signals(const struct program_child *child) {
    for (int number = 1; number < _NSIG; number++) {
        if (number == SIGKILL || number == SIGSTOP) continue;
        // The C library keeps two for itself and refuses to touch them (EINVAL).
        signal(number, child->ignored[number] ? SIG_IGN : SIG_DFL);
    }
    return sigprocmask(SIG_SETMASK, &child->blocked, NULL);
}

static int set_limits(const struct program_child *child) {
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        struct rlimit now;
        const struct rlimit *wanted = &child->limits[resource];
        if (getrlimit(resource, &now) != 0) return -1;
        if (now.rlim_cur == wanted->rlim_cur && now.rlim_max == wanted->rlim_max) continue;
        if (setrlimit(resource, wanted) != 0) return -1;
    }
    return 0;
}

static int stay_with(pid_t parent, int signal_number) {
    if (signal_number == 0) return 0;
    if (prctl(PR_SET_PDEATHSIG, signal_number) != 0) return -1;
    // It may have ended before.
    if (getppid() != parent) _exit(127);
    return 0;
}

static _Noreturn void become(const struct program_child *child, pid_t parent, int report) {
    int done = stay_with(parent, child->parent_death_signal) == 0 && setpgid(0, 0) == 0
               && set_descriptors(child) == 0 && set_limits(child) == 0 && set_signals(child) == 0;
    if (done) execve(child->path, child->arguments, child->environment);
    int code = errno;
    ssize_t count = write(report, &code, sizeof code);
    _exit(count == sizeof code ? 127 : 126);
}

static int read_report(int report) {
    int code = 0;
    ssize_t count;
    do count = read(report, &code, sizeof code);
    while (count < 0 && errno == EINTR);
    return count == sizeof code ? code : 0;
}

pid_t program_spawn(const struct program_child *child) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return -errno;
    // No handler of ours may run in the child.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t process = fork();
    if (process == 0) become(child, parent, report[1]);
    int code = process < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (process > 0) code = read_report(report[0]);
    close(report[0]);
    if (code == 0) return process;
    if (process > 0)
        while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {}
    return -code;
}

int program_pidfd_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }
