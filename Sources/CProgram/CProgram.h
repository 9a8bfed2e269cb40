// SPDX-License-Identifier: Apache-2.0
#ifndef CPROGRAM_H
#define CPROGRAM_H

// The parts of a program that Swift cannot do: the original arguments of main(3), the code between fork(2) and
// execve(2), and that of signal handlers, where no Swift may run.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// GNU extensions that Glibc's headers hide without _GNU_SOURCE; the C library exports them all the same.
extern int pipe2(int descriptors[2], int flags);
extern char *program_invocation_name;
extern char **environ;

// MARK: Arguments

/// The arguments of main(3), and their number; NULL if they can no longer be found.
///
/// Swift's own come from /proc/self/cmdline, which is not always there. The kernel puts them on the stack below the
/// environment (argc, argv, NULL, environ, NULL), where they are found from `environ` unless other code has replaced
/// that, as setenv(3) does. The function checks that it was not replaced, and that these are the arguments.
static inline char **program_arguments(int *count) {
    uintptr_t here = (uintptr_t)&here, there = (uintptr_t)environ, top = (uintptr_t)getauxval(AT_EXECFN);
    if (there <= here || there >= top || environ[-1] != NULL) return NULL;
    char **end = environ - 1;
    int found = 0;
    while ((intptr_t)end[-1 - found] != found) {
        if (end[-1 - found] == NULL) return NULL;
        found++;
    }
    if (found > 0 && end[-found] != program_invocation_name) return NULL;
    *count = found;
    return end - found;
}

// MARK: Signals

/// The thread that waits for the signals. A variable outside of functions would not be compiled into Swift's object
/// files.
static inline pthread_t *program_waiting_thread(void) {
    static pthread_t thread;
    return &thread;
}

/// Only async-signal-safe functions here (signal-safety(7)).
static inline void program_pass_signal(int number) {
    int code = errno;
    pthread_kill(*program_waiting_thread(), number);
    errno = code;
}

/// From now on, passes the signals of a set that come to another thread on to the one that waits for them. Call it from
/// one file only: each file has a variable of its own.
static inline void program_pass_signals(const sigset_t *signals, pthread_t waiting_thread) {
    *program_waiting_thread() = waiting_thread;
    struct sigaction action = {0};
    action.sa_handler = program_pass_signal;
    action.sa_flags = SA_RESTART;
    action.sa_mask = *signals;
    for (int number = 1; number < _NSIG; number++)
        if (sigismember(signals, number) == 1) sigaction(number, &action, NULL);
}

/// Whether other code has taken one of the signals over since then.
static inline int program_signals_are_taken(const sigset_t *signals) {
    for (int number = 1; number < _NSIG; number++) {
        struct sigaction action;
        if (sigismember(signals, number) != 1 || sigaction(number, NULL, &action) != 0) continue;
        if (action.sa_handler != program_pass_signal) return 1;
    }
    return 0;
}

// MARK: Standard output

/// Makes stdio write each line at once, even into a file or a pipe.
static inline void program_write_lines_at_once(void) { setvbuf(stdout, NULL, _IOLBF, 0); }

/// Whether everything that was printed was written.
static inline int program_output_is_complete(void) { return fflush(stdout) == 0 && !ferror(stdout); }

// MARK: Children

/// The properties of a child process. Descriptors that are not named here are closed in it.
struct program_child {
    const char *path;
    char *const *arguments;
    char *const *environment;
    /// The descriptors that become its descriptors 0, 1 and 2.
    int input, output, error;
    /// One per resource.
    const struct rlimit *limits;
    /// One per signal number: whether it is ignored. All others have their default, and none is blocked.
    const unsigned char *ignored;
    /// The signal that the kernel sends it when the thread that starts it ends; 0 for none (PR_SET_PDEATHSIG).
    int parent_death_signal;
};

/// The number of resources, and the last signal number plus one.
enum { program_limit_count = RLIM_NLIMITS, program_signal_count = _NSIG };

// Everything from here to execve(2) runs in the child of a process that may have other threads: it calls only
// async-signal-safe functions (signal-safety(7)).

static inline int program_move_up(int *descriptor) {
    *descriptor = fcntl(*descriptor, F_DUPFD_CLOEXEC, 3);
    return *descriptor < 0 ? -1 : 0;
}

static inline int program_set_descriptors(const struct program_child *child) {
    int wanted[3] = {child->input, child->output, child->error};
    // Moved out of the way first: the one that is to become 1 may be 0 now.
    for (int number = 0; number < 3; number++)
        if (program_move_up(&wanted[number]) != 0) return -1;
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

static inline int program_set_signals(const struct program_child *child) {
    for (int number = 1; number < _NSIG; number++) {
        if (number == SIGKILL || number == SIGSTOP) continue;
        // The C library reserves two signals for itself and refuses to change them (EINVAL).
        signal(number, child->ignored[number] ? SIG_IGN : SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL);
}

static inline int program_set_limits(const struct program_child *child) {
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        struct rlimit now;
        const struct rlimit *wanted = &child->limits[resource];
        if (getrlimit(resource, &now) != 0) return -1;
        if (now.rlim_cur == wanted->rlim_cur && now.rlim_max == wanted->rlim_max) continue;
        if (setrlimit(resource, wanted) != 0) return -1;
    }
    return 0;
}

static inline int program_stay_with(pid_t parent, int signal_number) {
    if (signal_number == 0) return 0;
    if (prctl(PR_SET_PDEATHSIG, signal_number) != 0) return -1;
    // The thread may have ended before.
    if (getppid() != parent) _exit(127);
    return 0;
}

static inline _Noreturn void program_become(const struct program_child *child, pid_t parent, int report) {
    int done = program_stay_with(parent, child->parent_death_signal) == 0 && setpgid(0, 0) == 0
               && program_set_descriptors(child) == 0 && program_set_limits(child) == 0 && program_set_signals(child) == 0;
    if (done) execve(child->path, child->arguments, child->environment);
    int code = errno;
    ssize_t count = write(report, &code, sizeof code);
    _exit(count == sizeof code ? 127 : 126);
}

static inline int program_read_report(int report) {
    int code = 0;
    ssize_t count;
    do count = read(report, &code, sizeof code);
    while (count < 0 && errno == EINTR);
    return count == sizeof code ? code : 0;
}

/// Starts a child in its own process group.
///
/// Returns its process ID, or the negated errno of the call that failed, execve(2) included.
static inline pid_t program_spawn(const struct program_child *child) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return -errno;
    // No handler of this process may run in the child.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t process = fork();
    if (process == 0) program_become(child, parent, report[1]);
    int code = process < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (process > 0) code = program_read_report(report[0]);
    close(report[0]);
    if (code == 0) return process;
    if (process > 0)
        while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {}
    return -code;
}

/// Whether a child has ended, by waitid(2) with WNOWAIT: its process ID stays reserved.
static inline int program_has_ended(pid_t process) {
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)process, &info, WEXITED | WNOWAIT | WNOHANG) != 0) return errno == ECHILD;
    return info.si_pid == process;
}

/// pidfd_open(2), for which the C library of older systems has no function. Close-on-exec.
static inline int program_pidfd_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

/// Whether a process is a member of a group and has not ended, by /proc/PID/stat.
static inline int program_is_live_member(const char *process, pid_t group) {
    char path[64], text[512], state;
    int parent, its_group;
    snprintf(path, sizeof path, "/proc/%.32s/stat", process);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return 0;
    ssize_t count = read(descriptor, text, sizeof text - 1);
    close(descriptor);
    if (count <= 0) return 0;
    text[count] = 0;
    // The name in parentheses may contain anything.
    const char *end = strrchr(text, ')');
    if (end == NULL || sscanf(end + 1, " %c %d %d", &state, &parent, &its_group) != 3) return 0;
    return its_group == group && state != 'Z' && state != 'X';
}

/// Whether a group has a member that has not ended: 1 or 0; -1 if /proc does not tell. kill(2) also counts members that
/// have ended but that no parent collects, for example if process 1 of a container does not.
static inline int program_group_lives(pid_t group) {
    DIR *processes = opendir("/proc");
    if (processes == NULL) return -1;
    int lives = -1;
    struct dirent *entry;
    while (lives != 1 && (entry = readdir(processes)) != NULL) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
        lives = program_is_live_member(entry->d_name, group);
    }
    closedir(processes);
    return lives;
}

// MARK: Files

/// The kind of file system that a path is on, by statfs(2), which Swift's Glibc lacks; 0 if it is unknown.
static inline long program_file_system_kind(const char *path) {
    struct statfs system;
    return statfs(path, &system) == 0 ? (long)system.f_type : 0;
}

// MARK: Time

/// A timerfd_create(2) descriptor on the monotonic clock, which Swift's Glibc lacks; -1 with errno.
static inline int program_open_timer(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC); }

/// Makes it readable at a time of the monotonic clock, in nanoseconds; at once if that is past. 0 on success.
static inline int program_set_timer(int descriptor, int64_t nanoseconds) {
    // Zero would disarm it.
    int64_t time = nanoseconds > 0 ? nanoseconds : 1;
    struct itimerspec setting = {.it_value = {.tv_sec = time / 1000000000, .tv_nsec = time % 1000000000}};
    return timerfd_settime(descriptor, TFD_TIMER_ABSTIME, &setting, NULL);
}

#endif
