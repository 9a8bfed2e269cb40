# SPDX-License-Identifier: Apache-2.0
"""How each server is started, pinged and attacked in its own protocol."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from hostile import wire
from hostile.bystander import Ping, PingMaker, framed_ping
from hostile.processes import Server

GIB = 1 << 30


@dataclass(frozen=True)
class Peer:
    """A server; {path} is its socket and {directory} a place for its files."""

    name: str
    command: tuple[str, ...]
    ping: PingMaker
    # The bytes with which a client announces as much as the server allows, and that size.
    announcement: bytes
    announced: str
    # One request with a long answer, sent repeatedly without reading; empty: not measured.
    request: bytes
    preparation: bytes = b""
    # The bytes before the first of these.
    greeting: bytes = b""
    configuration: str = ""

    def start(self, directory: str, descriptors: int | None = None) -> Server:
        path = f"{directory}/{self.name}.socket"
        if os.path.exists(path):
            os.unlink(path)
        if self.configuration:
            text = self.configuration.replace("{path}", path).replace("{directory}", directory)
            Path(f"{directory}/configuration").write_text(text)
        words = [word.replace("{path}", path).replace("{directory}", directory) for word in self.command]
        server = Server(words, path, descriptors, ready="")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                wire.connect(path).close()
                return server
            except OSError:
                time.sleep(0.02)
        server.end()
        raise RuntimeError(f"{self.name} did not start")


def line_ping(path: str) -> Ping:
    """Redis."""
    client = wire.connect(path, timeout=60)

    def ping() -> None:
        client.sendall(b"PING\r\n")
        if not client.recv(100):
            raise ConnectionError("ended")

    return ping


def http_ping(path: str) -> Ping:
    client = wire.connect(path, timeout=60)

    def ping() -> None:
        client.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        if not client.recv(4096).startswith(b"HTTP/1.1 200"):
            raise ConnectionError("not served")

    return ping


def greeting_ping(path: str) -> Ping:
    """D-Bus: a connection and its authentication."""

    def ping() -> None:
        with wire.connect(path, timeout=60) as client:
            client.sendall(authentication())
            if not client.recv(100).startswith(b"OK"):
                raise ConnectionError("not greeted")

    return ping


def authentication() -> bytes:
    return b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\n"


NGINX = """
daemon off; master_process off; pid {directory}/nginx.pid; error_log /dev/null; worker_rlimit_nofile 20000;
events { worker_connections 10000; }
http {
    access_log off; keepalive_requests 100000000; client_max_body_size 2g; client_body_temp_path {directory}/body;
    server { listen unix:{path}; location / { return 200 "here\\n"; } location /big { root {directory}; } }
}
"""


def framed(name: str, command: tuple[str, ...], announced: int) -> Peer:
    text = "1 GiB" if announced == GIB else "16 MiB"
    return Peer(
        name, command, framed_ping, struct.pack(">I", announced) + b"x", text, wire.frame(b"f" * 65_532))


def all_peers(target: str, programs: str) -> list[Peer]:
    bus = authentication() + b"BEGIN\r\n"
    return [
        framed("NamedPipes", (target, "{path}", f"maximumMessage={2 * GIB}"), GIB),
        framed("bufferevent", (f"{programs}/c-bufferevent-echo", "{path}"), 16 << 20),
        framed("SwiftNIO", (f"{programs}/nio-echo", "{path}"), 16 << 20),
        Peer(
            "redis", ("redis-server", "--port", "0", "--unixsocket", "{path}", "--save", "", "--dir", "{directory}"),
            line_ping, b"*1\r\n$536870912\r\nx", "512 MiB", b"GET big\r\n" * 50,
            b"*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$65536\r\n" + b"x" * 65_536 + b"\r\n"),
        Peer(
            "nginx", ("nginx", "-c", "{directory}/configuration"), http_ping,
            b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1073741824\r\n\r\nx", "1 GiB",
            b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" * 100, configuration=NGINX),
        Peer(
            "dbus-daemon", ("dbus-daemon", "--session", "--nofork", "--address=unix:path={path}"), greeting_ping,
            struct.pack("<cBBBIII", b"l", 1, 0, 1, 128 << 20, 1, 0) + b"x", "128 MiB", b"", greeting=bus),
    ]


def version(peer: Peer) -> str:
    """The version that the program reports, if it does."""
    flags = {"redis": "--version", "nginx": "-v", "dbus-daemon": "--version"}
    if peer.name not in flags:
        return peer.name
    done = subprocess.run([peer.command[0], flags[peer.name]], capture_output=True, text=True, check=False)
    words = (done.stdout + done.stderr).replace("=", " ").replace("/", " ").split()
    return f"{peer.name} {next(word for word in words if word[0].isdigit())}"


def connect_greeted(peer: Peer, path: str) -> socket.socket:
    client = wire.connect(path)
    if peer.greeting:
        client.sendall(peer.greeting)
        client.recv(100)
    return client
