# SPDX-License-Identifier: Apache-2.0
"""Two hosts and a cable between them: network namespaces with a pair of virtual interfaces (ip-netns(8), veth(4))."""

from __future__ import annotations

import os
import subprocess
from types import TracebackType


class Host:
    """A network namespace. What runs in it shares the file system with all others, and so local names."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address

    def command(self, *words: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *words]


class Cable:
    """Two hosts, `left` and `right`, and the cable between them, which can be cut and mended."""

    def __init__(self) -> None:
        self.left = Host(f"pipes-{os.getpid()}-left", "10.77.0.1")
        self.right = Host(f"pipes-{os.getpid()}-right", "10.77.0.2")

    def __enter__(self) -> Cable:
        ip("netns", "add", self.left.name)
        try:
            ip("netns", "add", self.right.name)
            ip("link", "add", "cable", "netns", self.left.name, "type", "veth",
               "peer", "name", "cable", "netns", self.right.name)
            for host in (self.left, self.right):
                ip("-netns", host.name, "address", "add", f"{host.address}/24", "dev", "cable")
                ip("-netns", host.name, "link", "set", "lo", "up")
                ip("-netns", host.name, "link", "set", "cable", "up")
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.remove()

    def cut(self) -> None:
        ip("-netns", self.right.name, "link", "set", "cable", "down")

    def mend(self) -> None:
        ip("-netns", self.right.name, "link", "set", "cable", "up")

    def remove(self) -> None:
        for host in (self.left, self.right):
            subprocess.run(["ip", "netns", "delete", host.name], stderr=subprocess.DEVNULL, check=False)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def are_possible() -> bool:
    """Whether this process may make namespaces: it is root, and the kernel lets it."""
    name = f"pipes-{os.getpid()}-probe"
    try:
        made = subprocess.run(["ip", "netns", "add", name], stderr=subprocess.DEVNULL, check=False).returncode == 0
    except FileNotFoundError:
        return False
    subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL, check=False)
    return made
