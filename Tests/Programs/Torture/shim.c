// SPDX-License-Identifier: Apache-2.0
//
// Preloaded into a program, this makes system calls fail or fall short. It is between the program's libraries and the C
// library, so that the tested program is the one that ships. Environment variables control it:
//
//   TORTURE_PROBABILITY, TORTURE_SEED   disturb that many percent of the calls in ways that lose nothing: EINTR, EAGAIN
//                                       where the descriptor does not block, fewer bytes than asked for
//   TORTURE_SITE, TORTURE_NTH, TORTURE_ERRNO   fail the n-th call of one kind with one errno; 0 stands for "one byte"
//   TORTURE_LACKS                       pairs SITE=ERRNO: what the kernel or the file system cannot do
//   TORTURE_REPORT                      a file that gets the number of calls and of disturbances of each kind
//
// A failed call is not made, with the exception of close, which frees its descriptor whatever it answers (close(2)).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

// The kinds of calls, and what may happen to each in a storm.
enum { NOTHING = 0, INTERRUPT = 1, AGAIN = 2, SHORTEN = 4, ABORT = 8, IDLE = 16 };

#define SITES(X) \
    X(accept4, INTERRUPT | AGAIN | ABORT) X(bind, NOTHING) X(close, NOTHING) X(connect, INTERRUPT | AGAIN) \
    X(epoll_create1, NOTHING) X(epoll_ctl_add, NOTHING) X(epoll_ctl_del, NOTHING) X(epoll_ctl_mod, NOTHING) \
    X(epoll_wait, INTERRUPT | IDLE) X(eventfd, NOTHING) X(fchmod, INTERRUPT) X(fchmodat, INTERRUPT) \
    X(fchownat, INTERRUPT) X(fcntl_lock, NOTHING) X(fstat, NOTHING) X(fstatat, NOTHING) X(flock, INTERRUPT) \
    X(ftruncate, INTERRUPT) X(futimens, NOTHING) X(getpeername, NOTHING) X(getsockname, NOTHING) X(getsockopt, NOTHING) \
    X(inotify_add_watch, NOTHING) X(inotify_init1, NOTHING) X(inotify_rm_watch, NOTHING) X(linkat, NOTHING) \
    X(listen, NOTHING) X(lstat, NOTHING) X(madvise, NOTHING) X(mkdir, NOTHING) X(mmap, NOTHING) X(open, INTERRUPT) \
    X(openat, INTERRUPT) X(poll, INTERRUPT) X(pread, INTERRUPT) X(pthread_create, NOTHING) \
    X(pwrite, INTERRUPT) X(read, INTERRUPT | AGAIN | SHORTEN) X(readlinkat, NOTHING) \
    X(readv, INTERRUPT | AGAIN | SHORTEN) X(realpath, NOTHING) X(recv, INTERRUPT | AGAIN | SHORTEN) \
    X(recvmsg, INTERRUPT | AGAIN | SHORTEN) X(renameat, NOTHING) X(renameat2, NOTHING) \
    X(send, INTERRUPT | AGAIN | SHORTEN) X(sendmsg, INTERRUPT | AGAIN | SHORTEN) X(setsockopt, NOTHING) \
    X(shutdown, NOTHING) X(socket, NOTHING) X(stat, NOTHING) X(timerfd_create, NOTHING) X(timerfd_settime, NOTHING) \
    X(unlinkat, NOTHING) X(utimensat, NOTHING) \
    X(write, INTERRUPT | AGAIN | SHORTEN) X(writev, INTERRUPT | AGAIN | SHORTEN)

#define AS_NAME(name, disturbances) SITE_##name,
enum site { SITES(AS_NAME) SITE_COUNT };

#define AS_ROW(name, disturbances) {#name, disturbances, 0, 0, 0},
static struct { const char *name; int disturbances, lack; atomic_ulong calls, disturbed; } sites[] = {SITES(AS_ROW)};

static unsigned long probability, nth, chosen_errno;
static int chosen_site = -1;
static _Atomic uint64_t seed;

static unsigned long number(const char *name) {
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : 0;
}

static int site_named(const char *name, size_t length) {
    for (int site = 0; site < SITE_COUNT; site++)
        if (strncmp(sites[site].name, name, length) == 0 && !sites[site].name[length]) return site;
    fprintf(stderr, "no such kind of call: %s\n", name);
    _exit(64);
}

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("TORTURE_SITE");
    if (name) chosen_site = site_named(name, strlen(name));
    for (const char *pair = getenv("TORTURE_LACKS"); pair && *pair; pair += strcspn(pair, " "), pair += *pair == ' ') {
        size_t length = strcspn(pair, "=");
        sites[site_named(pair, length)].lack = atoi(pair + length + 1);
    }
    nth = number("TORTURE_NTH");
    chosen_errno = number("TORTURE_ERRNO");
    probability = number("TORTURE_PROBABILITY");
    atomic_store(&seed, number("TORTURE_SEED"));
    // Programs that this one starts are not disturbed.
    unsetenv("LD_PRELOAD");
}

__attribute__((destructor)) static void report(void) {
    const char *path = getenv("TORTURE_REPORT");
    FILE *file = path ? fopen(path, "we") : NULL;
    if (!file) return;
    for (int site = 0; site < SITE_COUNT; site++)
        fprintf(file, "%s %lu %lu\n", sites[site].name, sites[site].calls, sites[site].disturbed);
    fclose(file);
}

// splitmix64: a seed gives the same numbers each time, as long as one thread asks for them.
static uint64_t random_number(void) {
    uint64_t z = atomic_fetch_add(&seed, 0x9E3779B97F4A7C15u) + 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

// Asked by system call, so that nothing here passes through the wrappers below.
static int blocks(int descriptor) { return !(syscall(SYS_fcntl, descriptor, F_GETFL) & O_NONBLOCK); }

// Streams may give or take less than was asked for. An eventfd, a datagram, or inotify with its records, does not.
static int is_stream(int descriptor) {
    int type = 0;
    socklen_t size = sizeof type;
    return syscall(SYS_getsockopt, descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

// Whether a call may find that it would block. An eventfd takes a number whenever its counter has room, and what is
// written to it wakes a thread: to say that there is no room would be a lie, not a disturbance.
static int may_block_instead(enum site site, int descriptor) {
    if (descriptor < 0 || blocks(descriptor)) return 0;
    if (site == SITE_write) return is_stream(descriptor);
    // Only a stream's connect waits for a place in a queue.
    return site != SITE_connect || is_stream(descriptor);
}

// The outcome of one call.
enum { MADE = 0, SHORTENED = -1, RETURNS_NOTHING = -2 };

static int disturb_at_random(enum site site, int descriptor) {
    if (random_number() % 100 >= probability) return MADE;
    int choices[5], count = 0, allowed = sites[site].disturbances;
    if (allowed & INTERRUPT) choices[count++] = EINTR;
    if (allowed & ABORT) choices[count++] = ECONNABORTED;
    if (allowed & IDLE) choices[count++] = RETURNS_NOTHING;
    if (allowed & AGAIN && may_block_instead(site, descriptor)) choices[count++] = EAGAIN;
    if (allowed & SHORTEN && descriptor >= 0 && is_stream(descriptor)) choices[count++] = SHORTENED;
    return count ? choices[random_number() % (unsigned)count] : MADE;
}

// MADE, SHORTENED, RETURNS_NOTHING, or the errno to fail with, which is set.
static int fate(enum site site, int descriptor) {
    unsigned long call = atomic_fetch_add(&sites[site].calls, 1) + 1;
    if (sites[site].lack) return errno = sites[site].lack;
    int verdict = MADE;
    if (probability) {
        verdict = disturb_at_random(site, descriptor);
    } else if (chosen_site == (int)site && call == nth) {
        verdict = chosen_errno ? (int)chosen_errno : is_stream(descriptor) ? SHORTENED : MADE;
        if (verdict == EAGAIN && site != SITE_flock && !may_block_instead(site, descriptor)) verdict = MADE;
    }
    if (verdict != MADE) atomic_fetch_add(&sites[site].disturbed, 1);
    // A peer that is reported gone has to be gone, or both would wait for each other with good reason.
    if ((verdict == EPIPE || verdict == ECONNRESET) && is_stream(descriptor))
        syscall(SYS_shutdown, descriptor, SHUT_RDWR);
    if (verdict > 0) errno = verdict;
    return verdict;
}

static size_t shorter(size_t count) {
    if (count <= 1 || !probability) return count ? 1 : 0;
    // One byte is as likely as all other numbers together, because it is the hardest case.
    return random_number() % 2 ? 1 : 1 + random_number() % (count - 1);
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

// A call that is made or fails with -1, on a descriptor or on none.
#define WRAP_AT(result, name, descriptor, parameters, arguments) \
    result name parameters { \
        REAL(name); \
        return fate(SITE_##name, descriptor) > 0 ? (result)-1 : real arguments; \
    }
#define WRAP(result, name, parameters, arguments) WRAP_AT(result, name, -1, parameters, arguments)

WRAP_AT(int, accept4, fd, (int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags),
    (fd, address, length, flags))
WRAP(int, bind, (int fd, const struct sockaddr *address, socklen_t length), (fd, address, length))
WRAP_AT(int, connect, fd, (int fd, const struct sockaddr *address, socklen_t length), (fd, address, length))
WRAP(int, epoll_create1, (int flags), (flags))
WRAP(int, eventfd, (unsigned int value, int flags), (value, flags))
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(int, fchmodat, (int fd, const char *name, mode_t mode, int flags), (fd, name, mode, flags))
WRAP(int, fchownat, (int fd, const char *name, uid_t owner, gid_t group, int flags), (fd, name, owner, group, flags))
WRAP(int, fstat, (int fd, struct stat *status), (fd, status))
WRAP(int, fstatat, (int fd, const char *restrict name, struct stat *restrict status, int flags),
    (fd, name, status, flags))
WRAP_AT(int, flock, fd, (int fd, int operation), (fd, operation))
WRAP(int, ftruncate, (int fd, off_t length), (fd, length))
WRAP(int, futimens, (int fd, const struct timespec times[2]), (fd, times))
WRAP(int, getpeername, (int fd, struct sockaddr *restrict address, socklen_t *restrict length), (fd, address, length))
WRAP(int, getsockname, (int fd, struct sockaddr *restrict address, socklen_t *restrict length), (fd, address, length))
WRAP(int, getsockopt, (int fd, int level, int name, void *restrict value, socklen_t *restrict length),
    (fd, level, name, value, length))
WRAP(int, inotify_add_watch, (int fd, const char *path, uint32_t mask), (fd, path, mask))
WRAP(int, inotify_init1, (int flags), (flags))
WRAP(int, inotify_rm_watch, (int fd, int watch), (fd, watch))
WRAP(int, linkat, (int from, const char *name, int to, const char *other, int flags), (from, name, to, other, flags))
WRAP(int, listen, (int fd, int backlog), (fd, backlog))
WRAP(int, lstat, (const char *restrict path, struct stat *restrict status), (path, status))
WRAP(int, madvise, (void *place, size_t size, int advice), (place, size, advice))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(int, poll, (struct pollfd *entries, nfds_t count, int timeout), (entries, count, timeout))
WRAP(ssize_t, pread, (int fd, void *bytes, size_t count, off_t offset), (fd, bytes, count, offset))
WRAP(ssize_t, pwrite, (int fd, const void *bytes, size_t count, off_t offset), (fd, bytes, count, offset))
WRAP(ssize_t, readlinkat, (int fd, const char *restrict name, char *restrict bytes, size_t count),
    (fd, name, bytes, count))
WRAP(int, renameat, (int from, const char *name, int to, const char *other), (from, name, to, other))
WRAP(int, renameat2, (int from, const char *name, int to, const char *other, unsigned int flags),
    (from, name, to, other, flags))
WRAP(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t length),
    (fd, level, name, value, length))
WRAP(int, shutdown, (int fd, int how), (fd, how))
WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, stat, (const char *restrict path, struct stat *restrict status), (path, status))
WRAP(int, timerfd_create, (clockid_t clock, int flags), (clock, flags))
WRAP(int, timerfd_settime, (int fd, int flags, const struct itimerspec *new, struct itimerspec *old),
    (fd, flags, new, old))
WRAP(int, unlinkat, (int fd, const char *name, int flags), (fd, name, flags))
WRAP(int, utimensat, (int fd, const char *name, const struct timespec times[2], int flags), (fd, name, times, flags))

// Calls that transfer bytes, of which a part may do.
#define WRAP_TRANSFER(name, parameters, arguments) \
    ssize_t name parameters { \
        REAL(name); \
        int verdict = fate(SITE_##name, fd); \
        if (verdict > 0) return -1; \
        if (verdict == SHORTENED) count = shorter(count); \
        return real arguments; \
    }

WRAP_TRANSFER(read, (int fd, void *bytes, size_t count), (fd, bytes, count))
WRAP_TRANSFER(write, (int fd, const void *bytes, size_t count), (fd, bytes, count))
WRAP_TRANSFER(recv, (int fd, void *bytes, size_t count, int flags), (fd, bytes, count, flags))
WRAP_TRANSFER(send, (int fd, const void *bytes, size_t count, int flags), (fd, bytes, count, flags))

// The same for gathered ones, cut to a part of the first piece that is not empty.
static struct iovec first_part(const struct iovec *pieces, size_t count) {
    for (size_t index = 0; index < count; index++)
        if (pieces[index].iov_len) return (struct iovec){pieces[index].iov_base, shorter(pieces[index].iov_len)};
    return (struct iovec){NULL, 0};
}

#define WRAP_VECTOR(name) \
    ssize_t name(int fd, const struct iovec *pieces, int count) { \
        REAL(name); \
        int verdict = fate(SITE_##name, fd); \
        if (verdict > 0) return -1; \
        if (verdict != SHORTENED) return real(fd, pieces, count); \
        struct iovec part = first_part(pieces, (size_t)count); \
        return real(fd, &part, 1); \
    }
WRAP_VECTOR(readv)
WRAP_VECTOR(writev)

// The kernel answers about control data in the message itself, so only the pieces are exchanged for the call.
#define WRAP_MESSAGE(name, type) \
    ssize_t name(int fd, type *message, int flags) { \
        REAL(name); \
        int verdict = fate(SITE_##name, fd); \
        if (verdict > 0) return -1; \
        if (verdict != SHORTENED) return real(fd, message, flags); \
        struct msghdr *header = (struct msghdr *)message, whole = *header; \
        struct iovec part = first_part(whole.msg_iov, whole.msg_iovlen); \
        header->msg_iov = &part; \
        header->msg_iovlen = 1; \
        ssize_t result = real(fd, message, flags); \
        header->msg_iov = whole.msg_iov; \
        header->msg_iovlen = whole.msg_iovlen; \
        return result; \
    }
WRAP_MESSAGE(recvmsg, struct msghdr)
WRAP_MESSAGE(sendmsg, const struct msghdr)

int close(int fd) {
    REAL(close);
    int result = real(fd);
    if (result != 0) return result;
    return fate(SITE_close, -1) > 0 ? -1 : 0;
}

int epoll_ctl(int fd, int operation, int descriptor, struct epoll_event *event) {
    REAL(epoll_ctl);
    enum site site = operation == EPOLL_CTL_ADD   ? SITE_epoll_ctl_add
                     : operation == EPOLL_CTL_MOD ? SITE_epoll_ctl_mod
                                                  : SITE_epoll_ctl_del;
    return fate(site, -1) > 0 ? -1 : real(fd, operation, descriptor, event);
}

int epoll_wait(int fd, struct epoll_event *events, int capacity, int timeout) {
    REAL(epoll_wait);
    int verdict = fate(SITE_epoll_wait, -1);
    return verdict == RETURNS_NOTHING ? 0 : verdict > 0 ? -1 : real(fd, events, capacity, timeout);
}

// Only locks can fail: the other commands get and set flags. The argument is a pointer or fits in one.
int fcntl(int fd, int command, ...) {
    REAL(fcntl);
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    int locks = command == F_OFD_SETLK || command == F_OFD_GETLK;
    return locks && fate(SITE_fcntl_lock, -1) > 0 ? -1 : real(fd, command, argument);
}

// The mode is an argument only where a file may be made.
#define WITH_MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list list; \
        va_start(list, flags); \
        mode = va_arg(list, mode_t); \
        va_end(list); \
    }

int open(const char *path, int flags, ...) {
    REAL(open);
    WITH_MODE(flags)
    return fate(SITE_open, -1) > 0 ? -1 : real(path, flags, mode);
}

int openat(int directory, const char *name, int flags, ...) {
    REAL(openat);
    WITH_MODE(flags)
    return fate(SITE_openat, -1) > 0 ? -1 : real(directory, name, flags, mode);
}

int pthread_create(
    pthread_t *restrict thread, const pthread_attr_t *restrict attributes, void *(*body)(void *),
    void *restrict argument) {
    REAL(pthread_create);
    int verdict = fate(SITE_pthread_create, -1);
    return verdict > 0 ? verdict : real(thread, attributes, body, argument);
}

// One page of memory is the mark that tells a process from its children; larger pieces are the Swift runtime's.
void *mmap(void *place, size_t size, int protection, int flags, int fd, off_t offset) {
    REAL(mmap);
    int is_mark = fd < 0 && size == (size_t)getpagesize() && flags == (MAP_PRIVATE | MAP_ANONYMOUS);
    return is_mark && fate(SITE_mmap, -1) > 0 ? MAP_FAILED : real(place, size, protection, flags, fd, offset);
}

char *realpath(const char *restrict path, char *restrict resolved) {
    REAL(realpath);
    return fate(SITE_realpath, -1) > 0 ? NULL : real(path, resolved);
}
