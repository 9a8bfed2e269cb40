# SPDX-License-Identifier: Apache-2.0
"""The servers that are measured, and how they are built."""

import functools
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
PEERS = PACKAGE / "Peers"
OWN_PROGRAMS = PACKAGE.parent / ".build" / "release"

# The first Java with Unix sockets.
OLDEST_JAVA = 16


@dataclass(frozen=True)
class Server:
    """An echo server: a product of the package in Swift or C, pipectl, or else a program among the peers."""

    name: str
    title: str
    # Its command, up to the socket; {programs}, {peers} and {own} (of the library's own programs) are directories.
    words: tuple[str, ...]
    # The command's arguments after the socket.
    options: tuple[str, ...] = ()
    # The product of the package that has to be built.
    product: str | None = None
    # The commands without which it cannot be built or run.
    tools: tuple[str, ...] = ()
    # The library to which it is linked, by its pkg-config name.
    library: str | None = None

    def unavailable(self) -> str | None:
        """Why it cannot run on this machine, in a few words; None: it can."""
        if self.product and not (PACKAGE / "Sources" / self.product).is_dir():
            return f"there is no Sources/{self.product}"
        for tool in self.tools:
            if not shutil.which(tool):
                return f"{tool} is not installed"
        if self.library and not has_library(self.library):
            return f"the headers of {self.library} are not installed"
        if "javac" in self.tools and java_version() < OLDEST_JAVA:
            return f"Java {java_version()} has no Unix sockets"
        return None

    def command(self, programs: Path, socket: str, options: Sequence[str] = ()) -> list[str]:
        """The command line that makes it listen on the socket."""
        words = [word.format(programs=programs, peers=PEERS, own=OWN_PROGRAMS) for word in self.words]
        return [*words, socket, *self.options, *options]


def product(
    name: str, title: str, product: str, options: tuple[str, ...] = (), library: str | None = None
) -> Server:
    return Server(name, title, ("{programs}/" + product,), options, product, library=library)


FLOOR = "c-epoll"
OURS = "pipes"
# For counts alone: what it does for a message is what a plain server does.
POOL = "pipes-pool"
# A process with a second thread, as a pool of one is: glibc makes the system calls of such a process dearer.
THREADED = "pipes-threaded"
# The operator's tool, whose echo counts what it says at its end. For `bench compare` alone.
PIPECTL = "pipectl"
POLLING = ("--poll", "50")
SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        product("c-epoll", "C, raw epoll", "c-epoll-echo"),
        product("c-epoll-poll", "C, raw epoll, polling 50 µs", "c-epoll-echo", POLLING),
        product("pipes", "NamedPipes", "pipes-echo"),
        product("pipes-poll", "NamedPipes, polling 50 µs", "pipes-echo", POLLING),
        product(THREADED, "NamedPipes, beside an idle thread", "pipes-echo", ("--idle-threads", "1")),
        product(POOL, "NamedPipes, a pool of one", "pipes-echo", ("--reactors", "1")),
        product("pipes-async", "NamedPipes, async", "pipes-async-echo"),
        product("pipes-batches", "NamedPipes, async, batches", "pipes-async-echo", ("--batches", "1")),
        Server(PIPECTL, "pipectl echo", ("{own}/pipectl", "echo")),
        product("c-libevent", "C, libevent, plain events", "c-libevent-echo", library="libevent_core"),
        product("c-bufferevent", "C, libevent, bufferevent", "c-bufferevent-echo", library="libevent_core"),
        product("libuv", "C, libuv", "libuv-echo", library="libuv"),
        product("nio", "SwiftNIO, as documented", "nio-echo"),
        product("nio-tuned", "SwiftNIO, tuned by hand", "nio-tuned-echo"),
        product("nio-async", "SwiftNIO, NIOAsyncChannel", "nio-async-echo"),
        product("flying-socks", "FlyingSocks", "flying-socks-echo"),
        Server("go", "Go, net", ("{programs}/go-echo",), tools=("go",)),
        Server("node", "Node, net", ("node", "{peers}/node-echo.js"), tools=("node",)),
        Server("asyncio", "Python, asyncio", (sys.executable, "{peers}/asyncio-echo.py")),
        Server("java", "Java, NIO", ("java", "-cp", "{programs}/java-echo", "JavaEcho"), tools=("java", "javac")),
    )
}


@functools.cache
def has_library(name: str) -> bool:
    return bool(shutil.which("pkg-config")) and subprocess.run(["pkg-config", "--exists", name]).returncode == 0


@functools.cache
def java_version() -> int:
    """The major version of Java's compiler, which prints "javac 17.0.15", or "javac 1.8.0" in old versions."""
    said = subprocess.run(["javac", "-version"], capture_output=True, text=True)
    found = re.search(r"javac (?:1\.)?(\d+)", said.stdout + said.stderr)
    return int(found[1]) if found else 0


def build(servers: Iterable[Server], tools: Iterable[str] = ()) -> Path:
    """Builds servers and other products of the package (release) and returns their directory."""
    servers = list(servers)
    swift = ["swift", "build", "--package-path", str(PACKAGE), "--configuration", "release"]
    # valgrind before 3.20 gives up on the debug information of SwiftNIO. Names of functions stay.
    swift += ["-Xlinker", "--strip-debug"]
    for name in dict.fromkeys([server.product for server in servers if server.product] + list(tools)):
        build_step([*swift, "--product", name])
    shown = subprocess.run([*swift, "--show-bin-path"], check=True, capture_output=True, text=True)
    programs = Path(shown.stdout.strip())
    for server in servers:
        if server.name == PIPECTL:
            build_step(["swift", "build", "--package-path", str(PACKAGE.parent), "--configuration", "release",
                        "--product", PIPECTL])
        if "go" in server.tools:
            build_step(["go", "build", "-o", str(programs / "go-echo"), str(PEERS / "go-echo.go")])
        if "javac" in server.tools:
            sources = sorted(str(path) for path in (PEERS / "java").glob("*.java"))
            build_step(["javac", "-d", str(programs / "java-echo"), *sources])
    return programs


def build_step(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr)
