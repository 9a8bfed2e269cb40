# SPDX-License-Identifier: Apache-2.0
"""One run: a fresh server on one CPU, one load on another, and the load's report."""

import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .plan import Slot
from .scenarios import LOAD
from .servers import SERVERS

START_SECONDS = 30.0

Result = dict[str, Any]


class RunFailed(Exception):
    """A server or the load failed; the text says how."""


@dataclass(frozen=True)
class Cpus:
    server: int
    load: int

    @staticmethod
    def chosen() -> "Cpus":
        """The first and the last CPU that this process may use."""
        allowed = sorted(os.sched_getaffinity(0))
        if len(allowed) < 2:
            raise SystemExit("two cpus are needed: a server and its load must not share one")
        return Cpus(allowed[0], allowed[-1])


def pinning(cpu: int | None) -> Callable[[], None] | None:
    """Runs in the child before exec: moves it to its CPU."""
    return functools.partial(os.sched_setaffinity, 0, {cpu}) if cpu is not None else None


def wait_until_listening(server: subprocess.Popen[bytes], path: str, errors: IO[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(path) == 0:
                return
        if server.poll() is not None:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines()
            raise RunFailed(f"ended with status {server.returncode}: {said[0] if said else 'without a word'}")
        time.sleep(0.005)
    raise RunFailed(f"did not listen within {START_SECONDS:.0f} s")


@dataclass(frozen=True)
class Command:
    """The command that starts a server on a socket, possibly inside another program such as valgrind."""

    programs: Path
    server: str
    options: Sequence[str] = ()
    inside: Sequence[str] = ()

    def __call__(self, path: str) -> list[str]:
        return [*self.inside, *SERVERS[self.server].command(self.programs, path, self.options)]


@dataclass(frozen=True)
class RunningServer:
    pid: int
    path: str


@contextlib.contextmanager
def running(command: Command, cpu: int | None, end_with: signal.Signals = signal.SIGKILL) -> Iterator[RunningServer]:
    """A server that listens for the duration of the block; then it is terminated and awaited."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory, tempfile.TemporaryFile() as errors:
        path = os.path.join(directory, "socket")
        server = subprocess.Popen(
            command(path), stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, preexec_fn=pinning(cpu))
        try:
            wait_until_listening(server, path, errors)
            yield RunningServer(server.pid, path)
            if server.poll() is not None:
                raise RunFailed(f"ended with status {server.returncode} under load")
        finally:
            server.send_signal(end_with)
            try:
                server.wait(timeout=30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def run_load(
    programs: Path, server: RunningServer, options: Sequence[str], cpu: int | None, timeout: float,
    program: str = LOAD, counts_server: bool = True,
) -> Result:
    command = [str(programs / program), "--path", server.path, *options]
    if counts_server:
        command += ["--server-pid", str(server.pid)]
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=timeout, preexec_fn=pinning(cpu))
    except subprocess.TimeoutExpired:
        raise RunFailed(f"the load did not end within {timeout:.0f} s") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip() or f"the load ended with status {error.returncode}"
        raise RunFailed(said.splitlines()[0]) from None
    return json.loads(done.stdout)


def run(programs: Path, slot: Slot, cpus: Cpus) -> Result:
    scenario, entry, length = slot.scenario, slot.entry, slot.length
    command = Command(programs, entry.server, entry.server_options)
    load_cpu = cpus.server if scenario.one_cpu else cpus.load
    times = ["--seconds", f"{length.seconds:.3f}", "--warm-up", f"{length.warm_up:.3f}"]
    options = [*scenario.load, *entry.load_options, *times]
    with running(command, cpus.server) as server:
        return run_load(programs, server, options, load_cpu, timeout=length.seconds + 90, program=entry.load_program)
