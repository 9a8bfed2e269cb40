# SPDX-License-Identifier: Apache-2.0
"""The same probes on every server, and one table."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from pathlib import Path

from hostile import wire
from hostile.bomb import Bomb
from hostile.bystander import Bystander
from hostile.peers.servers import Peer, all_peers, connect_greeted, version

MIB = 1 << 20


def bomb(peer: Peer, directory: str) -> str:
    """The effect on a bystander of a descriptor whose close takes 3 seconds."""
    worst, outcome = bombed(peer, directory)
    # A freeze is there every time; the effect of the machine's other work is not.
    for _ in range(2):
        if worst < 100:
            worst = min(worst, bombed(peer, directory)[0])
    return f"{worst:,.1f} ms{outcome}"


def bombed(peer: Peer, directory: str) -> tuple[float, str]:
    server = peer.start(directory)
    with server, Bystander(server.path, peer.ping) as bystander:
        bystander.unloaded()
        device = Bomb(3)
        client = wire.connect(server.path)
        outcome = device.send(client, peer.greeting or peer.request[:10], server.process.pid)
        time.sleep(0.2)
        client.close()
        time.sleep(4)
        felt = bystander.measure()
        device.end()
    return felt.worst, " (the kernel refuses it)" if outcome.startswith("refused") else ""


def announcement(peer: Peer, directory: str) -> str:
    """20 clients announce the largest message, and send one byte of it."""
    with peer.start(directory) as server:
        wire.connect(server.path).close()
        virtual, resident = server.settled("virtual"), server.settled("resident")
        clients = [connect_greeted(peer, server.path) for _ in range(20)]
        for client in clients:
            client.sendall(peer.announcement)
        time.sleep(0.3)
        grown = (server.settled("virtual") - virtual) / 20
        filled = (server.settled("resident") - resident) / 20
    return f"{size(grown)} virtual, {size(filled)} resident, for {peer.announced}"


def never_reads(peer: Peer, directory: str) -> str:
    """A client sends requests for 3 seconds and reads no answer."""
    if not peer.request:
        return "not measured"
    with peer.start(directory) as server:
        if peer.preparation:
            with wire.connect(server.path) as client:
                client.sendall(peer.preparation)
                client.recv(100)
        before = server.settled("resident")
        client = connect_greeted(peer, server.path)
        client.setblocking(False)
        peak = before
        end = time.monotonic() + 3
        waiting = memoryview(peer.request)
        while time.monotonic() < end:
            waiting = feed(client, waiting, peer.request)
            peak = max(peak, server.resident)
    return size(peak - before)


def feed(client: socket.socket, waiting: memoryview, request: bytes) -> memoryview:
    """Sends as much as the server takes for a moment."""
    for _ in range(100):
        try:
            waiting = waiting[client.send(waiting) :] or memoryview(request)
        except BlockingIOError:
            time.sleep(0.001)
            break
        except OSError:
            time.sleep(0.01)
            break
    return waiting


def descriptor_limit(peer: Peer, directory: str) -> str:
    """CPU time in 2 seconds with 300 clients and 64 descriptors."""
    with peer.start(directory, descriptors=64) as server:
        clients = []
        for _ in range(300):
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            client.setblocking(False)
            try:
                client.connect(server.path)
            except OSError:
                pass
            clients.append(client)
        time.sleep(0.5)
        if not server.is_alive:
            return "the process ends"
        before = server.processor_time
        time.sleep(2)
        spent = server.processor_time - before
        for client in clients:
            client.close()
    return f"{spent:.2f} s"


def size(count: float) -> str:
    if abs(count) < 1024:
        return "0"
    return f"{count / 1024:,.0f} KiB" if abs(count) < MIB else f"{count / MIB:,.0f} MiB"


PROBES = {
    "descriptor bomb: a bystander's worst ping": bomb,
    "20 clients announce a large message: memory of each": announcement,
    "a client that never reads, 3 s: memory": never_reads,
    "processor time in 2 s at the descriptor limit": descriptor_limit,
}


def compare(target: str, programs: str, output: str) -> int:
    peers = all_peers(target, programs)
    rows = {title: [attempt(peer, probe) for peer in peers] for title, probe in PROBES.items()}
    lines = ["| | " + " | ".join(version(peer) for peer in peers) + " |", "|---" * (len(peers) + 1) + "|"]
    lines += [f"| {title} | " + " | ".join(cells) + " |" for title, cells in rows.items()]
    text = "\n".join(lines) + "\n"
    print(text)
    if output:
        Path(output).write_text(text)
    return 0


def attempt(peer: Peer, probe: object) -> str:
    with tempfile.TemporaryDirectory(prefix="hostile-") as directory:
        os.chmod(directory, 0o755)
        try:
            return probe(peer, directory)
        except (OSError, RuntimeError, EOFError) as error:
            return f"{type(error).__name__}: {error}"
