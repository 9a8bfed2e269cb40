# SPDX-License-Identifier: Apache-2.0
"""The programs of a run: the broker, servers behind it, and doors for local clients, each a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

PAGE = os.sysconf("SC_PAGE_SIZE")


class Program:
    """A process that is ended with the block that uses it. Its standard error is kept in a file."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.command = command
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.skipped = 0

    def start(self) -> None:
        self.skipped += len(self.said)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self) -> Program:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()

    def kill(self) -> None:
        """Sends SIGKILL, and waits for the end."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> int:
        """Sends SIGTERM; returns the status."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    @property
    def said(self) -> str:
        """Everything that it has written, since it was started for the last time."""
        return self.log.read_text(errors="replace")[self.skipped:] if self.log.exists() else ""

    def wait_until_said(self, pattern: str, patience: float = 20) -> None:
        """Waits until what it has written matches."""
        deadline = time.monotonic() + patience
        while not re.search(pattern, self.said):
            if not self.is_alive or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(self.command)} has not written {pattern!r}, but: {self.said}")
            time.sleep(0.02)

    @property
    def resident(self) -> int:
        """Bytes of physical memory."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE

    @property
    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class Context:
    """What every scenario needs: the program under test, and a directory for names and logs."""

    def __init__(self, pipectl: str, directory: str) -> None:
        self.pipectl = pipectl
        self.directory = Path(directory)
        self.count = 0

    def log(self, name: str) -> Path:
        self.count += 1
        return self.directory / f"{self.count}-{name}.log"

    def name(self, text: str) -> str:
        return str(self.directory / text)

    def broker(self, address: str = "127.0.0.1", port: int | None = None, prefix: tuple[str, ...] = ()) -> Program:
        """A broker, which keeps its port when it is started again."""
        port = port or free_port()
        program = Program([*prefix, "nats-server", "-a", address, "-p", str(port)], self.log("broker"))
        program.url = f"nats://{address}:{port}"
        program.port = port
        return program

    def server(self, url: str, name: str = "echo", prefix: tuple[str, ...] = ()) -> Program:
        """An echo server behind the broker."""
        return Program([*prefix, self.pipectl, "echo", f"{url}/{name}"], self.log("server"))

    def door(self, path: str, url: str, name: str = "echo", prefix: tuple[str, ...] = ()) -> Program:
        """A local name, each of whose clients gets a session at a server behind the broker."""
        command = [*prefix, self.pipectl, "relay", path, "--to", f"{url}/{name}"]
        return Program(command, self.log("door"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
