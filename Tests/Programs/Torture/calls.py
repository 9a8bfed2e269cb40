# SPDX-License-Identifier: Apache-2.0
"""The calls of the C library that our libraries make, by their object files: each is one that the shim makes fail, or one
of those below, with the reason why it need not. So each new call of a change is either disturbed or considered."""
import pathlib
import re
import subprocess

MODULES = ("PipeReactor", "PipeFraming", "NamedPipes")

NOT_DISTURBED = {
    "memory and strings, which fail by ending the process or not at all": (
        "free malloc realloc memcpy memmove memset memcmp strlen strerror __divti3 __udivti3 __stack_chk_fail __tls_get_addr"
    ),
    "answers that cannot fail for the arguments that they are given": (
        "getpid geteuid getegid getuid getrlimit getrusage clock_gettime sysconf sched_getaffinity errno getenv "
        "unsetenv sigfillset munmap pthread_self pthread_sigmask pthread_detach pthread_join pthread_setname_np time _exit"
    ),
    "the shim has them by what they do, as fcntl_lock; the rest looks at flags, or makes a duplicate to do without": "fcntl",
    "a rest, of which it does not matter whether it is shorter": "usleep",
    "how many bytes lie in a socket or pipe: where it fails, nothing is taken out, or the caller is told": "ioctl",
    "to the service manager, whose silence is thrown to the caller; tested by ServiceNotifierTests": "sendto",
    "sets of signals, and a program's attributes, in memory": (
        "sigemptyset sigaddset sigismember sigpending sigwait strdup "
        "posix_spawn_file_actions_init posix_spawn_file_actions_destroy posix_spawn_file_actions_adddup2 "
        "posix_spawn_file_actions_addclosefrom_np posix_spawn_file_actions_addchdir_np "
        "posix_spawnattr_init posix_spawnattr_destroy posix_spawnattr_setflags "
        "posix_spawnattr_setpgroup posix_spawnattr_setsigdefault posix_spawnattr_setsigmask"
    ),
    "streams of two descriptors, which the driver's exchange has not; tested by ByteStreamTests, DescriptorPairTests": (
        "preadv2 pwritev2 isatty dup2"
    ),
    "start, end and collect a program, which the driver's exchange does not; tested by SpawningTests": (
        "posix_spawnp waitpid kill pipe2 socketpair"
    ),
    "make a FIFO, which the driver's exchange has not; tested by FIFOTests": "mkfifoat fchown",
    "reports, in debug builds, a reactor that never ran; where it cannot be registered, nothing is reported": "on_exit",
    "the kind of a descriptor that came with a message; where it fails, the kind is `other`": "statx",
    "names a thread, asks for its number, opens a process by its number; tested by PeerProcessTests": "syscall",
}
# Not ours: functions of Swift's runtime, and of libevent, whose own calls the shim disturbs.
FOREIGN = re.compile(r"swift_|_swift|__swift|event_|evutil_|_T|__cxa|__isPlatform|__aarch64|objc_")
# A C function as Swift's overlay of the C library has it: open(2) is $s5Glibc4openys5Int32V….
OVERLAID = re.compile(r"\$s5Glibc\d+([a-z_0-9]+?)ys.*F$")


SOURCES = pathlib.Path(__file__).resolve().parents[3] / "Sources"


def object_files(build):
    """The object files of existing sources: the package manager also leaves those of deleted ones."""
    for module in MODULES:
        sources = {path.name for path in (SOURCES / module).glob("**/*.swift")}
        yield from (path for path in (build / f"{module}.build").glob("**/*.swift.o") if path.stem in sources)


def used(build):
    """The names of the C functions to which the object files of our modules refer."""
    objects = [str(path) for path in object_files(build)]
    if not objects:
        return
    for line in subprocess.check_output(["nm", "--undefined-only", *objects], text=True).splitlines():
        name = line.split()[-1] if line.strip() and not line.endswith(":") else ""
        overlaid = OVERLAID.match(name)
        if overlaid:
            yield overlaid[1]
        elif name and not name.startswith("$") and not FOREIGN.match(name):
            yield name


def unknown_calls(build, shim):
    """Prints each call that is neither disturbed nor excused, and each excuse for none; returns how many."""
    made = set(used(pathlib.Path(build)))
    disturbed = set(re.findall(r"X\((\w+), ", shim.read_text()))
    excused = {name: reason for reason, names in NOT_DISTURBED.items() for name in names.split()}
    unknown = sorted(made - disturbed - excused.keys())
    for name in unknown:
        print(f"FAILED  {name} is called, but shim.c does not know it, and calls.py has no reason for that")
    both = sorted(disturbed & excused.keys())
    for name in both:
        print(f"FAILED  {name} is disturbed by shim.c: calls.py need not excuse it")
    print(f"{len(made)} functions of the C library are called: {len(made & disturbed)} are disturbed")
    if not made & disturbed:
        print("FAILED  no object files were found")
        return 1
    return len(unknown) + len(both)
