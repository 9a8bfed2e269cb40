# SPDX-License-Identifier: Apache-2.0
"""77, 81, 83: `pipectl` as a process: what it inherits from its parent, where its output goes, and what its commands leave behind."""

from __future__ import annotations

import itertools
import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Callable

from hostile import wire
from hostile.figures import Figure, exactly
from hostile.processes import Context

LIMIT = 20.0


def inherited(context: Context) -> list[Figure]:
    """77: a server with a careless parent answers all the same, and its command inherits what it should."""
    starts: list[tuple[str, Callable[[], None]]] = [
        ("SIGCHLD ignored", lambda: ignore(signal.SIGCHLD)),
        ("everything blocked", lambda: ignore(None)),
        ("few descriptors", lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource_limit()[1]))),
        ("umask 0777", lambda: ignore(None, mask=0o777)),
    ]
    starts += [
        (f"closed: {closed}", lambda closed=closed: [os.close(number) for number in closed])
        for count in (1, 2, 3) for closed in itertools.combinations(range(3), count)
    ]
    served = []
    for number, (what, prepare) in enumerate(starts):
        path = context.name(f"inherited-{number}")
        with Pipectl(context, ["serve", path, "--exec", "seq 1 5000"], path, prepare) as server:
            client = wire.connect(path)
            lines = [wire.receive(client) for _ in range(5000)]
            is_ended = wire.is_ended(client)
            if lines == [b"%d" % line for line in range(1, 5001)] and is_ended and server.ends():
                served.append(what)
    missing = ", ".join(what for what, _ in starts if what not in served)
    return [exactly("77", "of 11 bad starts, served in full and stopped by SIGTERM", len(served), len(starts), missing)]


def results(context: Context) -> list[Figure]:
    """81: output or input that fails is a failure, neither a success nor a loop."""
    path = context.name("results")
    commands = [["stat", path], ["stat", path, "--json"], ["stat", path, "--watch", "20ms"], ["connect", path],
                ["send", path, "hi", "--reply"], ["--help"]]
    told = 0
    with Pipectl(context, ["echo", path], path):
        for command in commands:
            with open("/dev/full", "wb") as full:
                told += "No space left" in failure(context, command, b"a line\n", full)
        for command in (["send", path], ["connect", path], ["echo", "--until-input-ends"]):
            told += "Is a directory" in failure(context, command, None, subprocess.DEVNULL)
        reading, writing = os.pipe()
        os.close(reading)
        told += "Broken pipe" in failure(context, ["stat", path, "--watch", "20ms"], b"", writing)
        os.close(writing)
    return [exactly("81", "of 10 commands with a full device, a closed pipe or a directory, status 1 and the reason", told,
                    10)]


def failure(context: Context, command: list[str], given: bytes | None, output: object) -> str:
    """Its error message, if it ends with status 1."""
    directory = os.open("/", os.O_RDONLY)
    try:
        process = subprocess.run([pipectl(context), *command], stdout=output, stderr=subprocess.PIPE, timeout=LIMIT,
                                 **({"stdin": directory} if given is None else {"input": given}))
    except subprocess.TimeoutExpired:
        return ""
    finally:
        os.close(directory)
    return process.stderr.decode() if process.returncode == 1 else ""


def left_behind(context: Context) -> list[Figure]:
    """83: commands that never read, leave processes behind, or lose their parent are ended, with all in their group."""
    commands = {
        "never reads": "echo $$; exec sleep 777",
        "ignores SIGTERM": "trap '' TERM; echo $$; while :; do sleep 0.1; done",
        "left in the background": "sleep 777 & echo $!; read line",
        "left without output": "sleep 777 >/dev/null & echo $!; read line",
    }
    ended = []
    for number, (what, command) in enumerate(commands.items()):
        path = context.name(f"left-{number}")
        with Pipectl(context, ["serve", path, "--linger", "100ms", "--exec", command], path) as server:
            client = wire.connect(path)
            process = int(wire.receive(client))
            flood(client)
            client.close()
            if goes(process):
                ended.append(what)
            client = wire.connect(path)
            process = int(wire.receive(client))
            server.process.send_signal(signal.SIGHUP)
            if goes(process) and server.ends(None):
                ended.append(f"{what}, SIGHUP")
            client.close()
    path = context.name("left-killed")
    with Pipectl(context, ["serve", path, "--exec", commands["never reads"]], path) as server:
        client = wire.connect(path)
        process = int(wire.receive(client))
        server.process.kill()
        if goes(process):
            ended.append("SIGKILL")
    return [exactly("83", "of 9 commands that had lost client or server, ended with what they had started", len(ended), 9,
                    "" if len(ended) == 9 else ", ".join(ended))]


def flood(client: socket.socket) -> None:
    """Sends as many lines as are taken at once, but no more than the kernel and the server keep."""
    client.settimeout(1)
    try:
        client.sendall(wire.frame(b"x" * 999) * 300)
    except OSError:
        pass


def goes(process: int) -> bool:
    """A process that has ended and was not collected has no command line."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        try:
            if not Path(f"/proc/{process}/cmdline").read_bytes():
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def pipectl(context: Context) -> str:
    """Built beside the target."""
    return str(Path(context.target).parent / "pipectl")


def resource_limit() -> tuple[int, int]:
    return resource.getrlimit(resource.RLIMIT_NOFILE)


def ignore(number: int | None, mask: int | None = None) -> None:
    if mask is not None:
        os.umask(mask)
    elif number is None:
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
    else:
        signal.signal(number, signal.SIG_IGN)


class Pipectl:
    """A server that is ready once its socket exists."""

    def __init__(self, context: Context, command: list[str], path: str, prepare: Callable[[], None] | None = None) -> None:
        self.process = subprocess.Popen([pipectl(context), *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, preexec_fn=prepare)
        deadline = time.monotonic() + LIMIT
        while not Path(path).is_socket() and time.monotonic() < deadline and self.process.poll() is None:
            time.sleep(0.005)

    def ends(self, number: int | None = signal.SIGTERM) -> bool:
        """Whether it does, with status 0, by a signal that is sent now or was before."""
        if number is not None:
            self.process.send_signal(number)
        try:
            return self.process.wait(LIMIT) == 0
        except subprocess.TimeoutExpired:
            return False

    def __enter__(self) -> Pipectl:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
