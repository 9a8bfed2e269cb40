# SPDX-License-Identifier: Apache-2.0
"""The servers that are measured, and how they are built."""

import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Server:
    name: str
    title: str
    product: str
    options: tuple[str, ...] = ()

    def unavailable(self) -> str | None:
        return None

    def command(self, programs: Path, socket: str, options: Sequence[str] = ()) -> list[str]:
        return [str(programs / self.product), socket, *self.options, *options]


FLOOR = "c-epoll"
OURS = "pipes"
SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        Server("c-epoll", "C, raw epoll", "c-epoll-echo"),
        Server("pipes", "NamedPipes", "pipes-echo"),
    )
}


def build(servers: Iterable[Server], tools: Iterable[str] = ()) -> Path:
    swift = ["swift", "build", "--package-path", str(PACKAGE), "--configuration", "release"]
    for product in dict.fromkeys([server.product for server in servers] + list(tools)):
        subprocess.run(swift + ["--product", product], check=True, stdout=sys.stderr)
    path = subprocess.run(swift + ["--show-bin-path"], check=True, capture_output=True, text=True).stdout.strip()
    return Path(path)
