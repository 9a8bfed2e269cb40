# SPDX-License-Identifier: Apache-2.0
"""The servers under attack, each a process of its own, and what the kernel reports of them."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Iterator

# The work of a service manager for a program that it starts because a client has connected (sd_listen_fds(3)).
ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


def prefer() -> None:
    """Gives this process priority over all others, where that is allowed, so that it does not measure their load."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        pass


@contextlib.contextmanager
def preferred() -> Iterator[None]:
    """As `prefer`, for the duration of the block."""
    prefer()
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@contextlib.contextmanager
def stopped(process_id: int) -> Iterator[None]:
    """Stops the process (SIGSTOP) for the duration of the block, which should be short."""
    with preferred():
        os.kill(process_id, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(process_id, signal.SIGCONT)


class Server:
    """A process that is ended with the block that uses it."""

    def __init__(self, command: list[str], path: str, descriptors: int | None = None, ready: str = "ready",
                 listener: socket.socket | None = None) -> None:
        def prepare() -> None:
            prefer()
            if descriptors is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.path = path
        passed = () if listener is None else (listener.fileno(),)
        if listener is not None:
            command = [sys.executable, "-S", "-c", ACTIVATE, str(listener.fileno()), *command]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            preexec_fn=prepare, pass_fds=passed,
        )
        self.said = self.process.stdout.readline().strip() if ready else ""
        if ready and self.said != ready:
            self.end()
            raise RuntimeError(f"{command[0]} said {self.said!r} instead of {ready!r}")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()

    def go_on(self) -> str:
        """Sends a line, and waits for the answer on the server's output."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        """Sends SIGKILL, and waits for the end."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        for stream in (self.process.stdin, self.process.stdout):
            stream.close()

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    @property
    def resident(self) -> int:
        """Bytes of physical memory."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE

    @property
    def virtual(self) -> int:
        """Bytes of address space."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[0]) * PAGE

    @property
    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def processor_time(self) -> float:
        """CPU time in seconds, to the tick of 10 ms."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @property
    def run_time(self) -> float:
        """CPU time of all threads that are there in seconds, to the nanosecond (proc(5), schedstat)."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def settled(self, measure: str, patience: float = 5.0) -> int:
        """A value once it has not changed for a moment."""
        deadline = time.monotonic() + patience
        last = getattr(self, measure)
        while time.monotonic() < deadline:
            time.sleep(0.1)
            now = getattr(self, measure)
            if now == last:
                break
            last = now
        return last


def target(context: Context, path: str, *settings: str, descriptors: int | None = None, ready: str = "ready",
           listener: socket.socket | None = None) -> Server:
    """Our own server, with settings as Target/Settings.swift reads them; a listener is for `inherits=true`."""
    pool = (f"reactors={context.reactors}",) if context.reactors else ()
    return Server([context.target, path, *settings, *pool], path, descriptors, ready, listener)


class Context:
    """The input of all probes: the target, a directory for names, the extent; and whether the target is a pool."""

    def __init__(self, target: str, directory: str, is_long: bool, reactors: int = 0) -> None:
        self.target = target
        self.directory = directory
        self.is_long = is_long
        self.reactors = reactors

    def with_pool(self, reactors: int) -> Context:
        """The same, for a target that is a pool with this number of reactors."""
        return Context(self.target, self.directory, self.is_long, reactors)

    def name(self, text: str) -> str:
        return f"{self.directory}/{text}"

    def count(self, usual: int, long: int) -> int:
        return long if self.is_long else usual
