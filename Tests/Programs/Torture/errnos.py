# SPDX-License-Identifier: Apache-2.0
"""The errnos that each call can give on the descriptors and names of a pipe, by its manual page.

Left out is what only a wrong argument brings about (EBADF, EFAULT, EINVAL, ENOTSOCK, EOPNOTSUPP, EDESTADDRREQ,
EISCONN, ENOTCONN): the library ends the process there, or the kernel cannot answer so for the arguments it is given.
epoll_ctl is split by operation, since its page is not: only adding takes memory and a watch, and EEXIST and ENOENT tell
of a state that a failed call does not bring about (fs/eventpoll.c). shutdown of a connected unix(7) socket does not fail
at all (net/unix/af_unix.c). 0 stands for a transfer of one byte.
"""
NO_DESCRIPTOR = ["EMFILE", "ENFILE", "ENOMEM"]
NO_SPACE = ["ENOSPC", "EDQUOT", "EROFS"]
PATH = ["EACCES", "ELOOP", "ENAMETOOLONG", "ENOENT", "ENOMEM", "ENOTDIR"]
RENAMING = PATH + NO_SPACE + ["EBUSY", "EEXIST", "EISDIR", "EMLINK", "ENOTEMPTY", "EPERM", "EXDEV"]
TIMES = ["EACCES", "EPERM", "EROFS", "EIO", "ENOENT"]
RECEIVING = [0, "EINTR", "EAGAIN", "ECONNRESET", "ENOMEM", "ENOBUFS", "ETIMEDOUT", "EIO"]
SENDING = [0, "EINTR", "EAGAIN", "ECONNRESET", "EPIPE", "ENOMEM", "ENOBUFS", "EMSGSIZE", "EACCES"]

ERRNOS = {
    "accept4": [
        "EINTR", "EAGAIN", "ECONNABORTED", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EPERM", "EPROTO",
        # "Linux accept() passes already-pending network errors on the new socket" (accept(2)).
        "ENETDOWN", "ENOPROTOOPT", "EHOSTDOWN", "ENONET", "EHOSTUNREACH", "ENETUNREACH",
    ],
    "bind": PATH + NO_SPACE + ["EADDRINUSE", "EADDRNOTAVAIL", "EPERM"],
    "close": ["EINTR", "EIO", "ENOSPC", "EDQUOT"],
    "connect": PATH + ["EINTR", "EAGAIN", "EPERM", "EADDRINUSE", "ECONNREFUSED", "EPROTOTYPE", "ETIMEDOUT"],
    "epoll_create1": NO_DESCRIPTOR,
    "epoll_ctl_add": ["ENOMEM", "ENOSPC", "EPERM"],
    "epoll_ctl_mod": [],
    "epoll_ctl_del": [],
    "epoll_wait": ["EINTR"],
    "eventfd": NO_DESCRIPTOR + ["ENODEV"],
    "fchmod": ["EINTR", "EIO", "EPERM", "EROFS", "ENOMEM"],
    "fchmodat": PATH + ["EINTR", "EIO", "EPERM", "EROFS", "ENOTSUP"],
    "fchownat": PATH + ["EINTR", "EIO", "EPERM", "EROFS"],
    "fcntl_lock": ["EINTR", "EAGAIN", "EACCES", "ENOLCK", "ENOMEM"],
    "flock": ["EINTR", "EAGAIN", "ENOLCK"],
    "fstat": ["ENOMEM", "EOVERFLOW", "EIO"],
    "fstatat": PATH + ["EOVERFLOW", "EIO"],
    "ftruncate": ["EINTR", "EIO", "EPERM", "EROFS", "EFBIG"],
    "futimens": TIMES,
    "getpeername": ["ENOBUFS"],
    "getsockname": ["ENOBUFS"],
    "getsockopt": ["ENOMEM", "ENOPROTOOPT", "ENODATA", "EMFILE"],
    "inotify_add_watch": PATH + ["ENOSPC"],
    "inotify_init1": NO_DESCRIPTOR,
    "inotify_rm_watch": [],
    "linkat": PATH + NO_SPACE + ["EEXIST", "EIO", "EMLINK", "EPERM", "EXDEV"],
    "listen": ["EADDRINUSE"],
    "lstat": PATH + ["EOVERFLOW", "EIO"],
    # EINVAL before Linux 4.14, which does not know this advice.
    "madvise": ["EINVAL", "ENOMEM", "EAGAIN"],
    "mkdir": PATH + NO_SPACE + ["EEXIST", "EMLINK", "EPERM"],
    "mmap": ["ENOMEM", "EAGAIN"],
    "open": PATH + ["EINTR", "EMFILE", "ENFILE", "ENODEV", "ENXIO", "EOVERFLOW", "EPERM"],
    "openat": PATH + NO_SPACE + ["EINTR", "EMFILE", "ENFILE", "EIO", "EISDIR", "ENXIO", "EOVERFLOW", "EPERM", "ETXTBSY"],
    "poll": ["EINTR", "ENOMEM"],
    "pread": ["EINTR", "EIO"],
    "pthread_create": ["EAGAIN", "EPERM"],
    "pwrite": ["EINTR", "EIO", "ENOSPC", "EDQUOT", "EFBIG", "EPERM"],
    # On an eventfd, a timerfd and on inotify, reading can only be interrupted or find nothing.
    "read": ["EINTR", "EAGAIN"],
    "readlinkat": PATH + ["EIO"],
    "readv": RECEIVING,
    "realpath": PATH + ["EIO"],
    "recv": RECEIVING,
    "recvmsg": RECEIVING,
    "renameat": RENAMING,
    # EINVAL where the file system, ENOSYS where the kernel cannot exchange names.
    "renameat2": ["EINVAL", "ENOSYS"] + RENAMING,
    "send": SENDING,
    "sendmsg": SENDING + ["ETOOMANYREFS"],
    "setsockopt": ["ENOMEM", "ENOBUFS", "ENOPROTOOPT", "EPERM"],
    "shutdown": [],
    "socket": NO_DESCRIPTOR + ["EACCES", "EAFNOSUPPORT", "ENOBUFS"],
    "stat": PATH + ["EOVERFLOW"],
    "timerfd_create": NO_DESCRIPTOR + ["ENODEV"],
    "timerfd_settime": [],
    "unlinkat": PATH + ["EBUSY", "EIO", "EISDIR", "EPERM", "EROFS"],
    "utimensat": TIMES,
    "write": ["EINTR"],
    "writev": SENDING,
}

# After these, an exchange has to be complete all the same.
HARMLESS = {0, "EINTR"}
HARMLESS_AT = {
    "EAGAIN": {"accept4", "connect", "read", "readv", "recv", "recvmsg", "send", "sendmsg", "writev"},
    "ECONNABORTED": {"accept4"},
}
HARMLESS_SITES = {"close"}


def is_harmless(site, error):
    return error in HARMLESS or site in HARMLESS_SITES or site in HARMLESS_AT.get(error, ())
