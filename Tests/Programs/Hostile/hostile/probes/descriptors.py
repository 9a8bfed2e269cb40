# SPDX-License-Identifier: Apache-2.0
"""24: descriptors that block the thread that closes them. 28: no descriptors left. 69: such descriptors, sent before the start."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import socket
import time
from collections.abc import Callable

from hostile import wire
from hostile.bomb import Bomb
from hostile.bystander import Bystander, Latency, Ping
from hostile.figures import Figure, at_most, exactly
from hostile.processes import Context, Server, target

LINGER_SECONDS = 3
PLACES = ("in a message", "sent before the accept", "unread at the close")


def descriptor_bomb(context: Context) -> list[Figure]:
    """In a message, queued before the accept, and left unread at the close."""
    figures = []
    for lacks, place in itertools.product(("false", "true"), PLACES):
        worst, usual, remark = 1e9, 0.0, ""
        # A freeze is there every time; the effect of the machine's other work is not.
        for _ in range(5):
            felt, unloaded, alive, text = bombed(context, place, f"lacksPassRights={lacks}")
            if felt < worst:
                worst, usual, remark = felt, unloaded, text
            if worst <= 5 + usual:
                break
        what = f"descriptor bomb {place}{', as on kernels before 6.16' if lacks == 'true' else ''}"
        figures.append(at_most("24", f"{what}: a bystander's worst ping", worst, 5 + usual, "ms", remark))
        figures.append(exactly("24", f"{what}: the server lives", alive, True))
    return figures


def bombed(context: Context, place: str, setting: str) -> tuple[float, float, bool, str]:
    """The bystander's worst ping, also before the attack, in ms; whether the server lives; a remark."""
    path = context.name("bomb")
    with target(context, path, "highWaterMark=1000", setting) as server, Bystander(path) as bystander:
        usual = bystander.unloaded()
        bombs = [Bomb(LINGER_SECONDS) for _ in range(3)]
        remarks = {throw(bomb, server, place) for bomb in bombs}
        time.sleep(LINGER_SECONDS + 1)
        felt = bystander.measure()
        for bomb in bombs:
            bomb.end()
        remark = f"{', '.join(sorted(remarks))}; {felt}; unloaded {usual}"
        return felt.worst, usual.worst, server.is_alive, remark


def throw(bomb: Bomb, server: Server, place: str) -> str:
    client = wire.connect(server.path)
    if place == "in a message":
        wire.ask(client, b"hello")
    if place == "unread at the close":
        # Unread answers make the server stop reading; what comes then stays in the socket until the end.
        for _ in range(9):
            client.sendall(wire.frame(b"?" * 30_000))
        time.sleep(0.05)
    result = bomb.send(client, wire.frame(b"boom"), server.process.pid)
    client.close()
    return result


def calmest(attack: Callable[[], tuple[Latency, Latency, bool, str]]) -> tuple[float, float, bool, str]:
    """Of three attacks at most, the one that the bystander felt least: its worst ping, also before the attack, in ms;
    whether the server lived through the last one; a remark."""
    worst, usual, remark = 1e9, 0.0, ""
    for _ in range(3):
        felt, unloaded, alive, text = attack()
        if felt.worst < worst:
            worst, usual, remark = felt.worst, unloaded.worst, f"{text}{felt}; unloaded {unloaded}"
        if worst <= 5 + usual:
            break
    return worst, usual, alive, remark


def bombs_with_passing_on(context: Context) -> list[Figure]:
    """At a server that accepts descriptors: announced, not announced, and with a message that is never complete."""
    figures = []
    for what, frame in (
        ("announced", b"\0\0\0\4\1boom"), ("not announced", b"\0\0\0\4\0boom"), ("never complete", b"\0\0\0\4\1b"),
    ):
        worst, usual, alive, remark = calmest(lambda: bombed_with_passing_on(context, frame))
        what = f"descriptor bombs with passing on, {what}"
        figures.append(at_most("90", f"{what}: a bystander's worst ping", worst, 5 + usual, "ms", remark))
        figures.append(exactly("90", f"{what}: the server lives", alive, True))
    return figures


def bombed_with_passing_on(context: Context, frame: bytes) -> tuple[Latency, Latency, bool, str]:
    path = context.name("passing")
    with target(context, path, "descriptors=true") as server, Bystander(path, control_ping) as bystander:
        unloaded = bystander.unloaded()
        bombs = [Bomb(LINGER_SECONDS) for _ in range(3)]
        clients = [wire.connect(path) for _ in bombs]
        remarks = {bomb.send(client, frame, server.process.pid) for bomb, client in zip(bombs, clients)}
        for client in clients:
            client.close()
        time.sleep(LINGER_SECONDS + 1)
        felt = bystander.measure()
        for bomb in bombs:
            bomb.end()
        return felt, unloaded, server.is_alive, ", ".join(sorted(remarks)) + "; "


def early_bombs(context: Context) -> list[Figure]:
    """From clients that connected to the service manager's socket before the program was started: admitted, or refused."""
    figures = []
    for fate, admitted in (("admitted", os.geteuid()), ("refused", 12345)):
        worst, usual, alive, remark = calmest(lambda: bombed_before_the_start(context, admitted))
        what = f"descriptor bombs of clients older than the program, {fate}"
        figures.append(at_most("69", f"{what}: a bystander's worst ping", worst, 5 + usual, "ms", remark))
        figures.append(exactly("69", f"{what}: the server lives", alive, True))
    return figures


def bombed_before_the_start(context: Context, admitted: int) -> tuple[Latency, Latency, bool, str]:
    """The bystander pings another name of the same loop, from the start on; how that was, and how it is unloaded."""
    path = context.name("early")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(16)
        bombs = [Bomb(LINGER_SECONDS) for _ in range(3)]
        clients = [wire.connect(path) for _ in bombs]
        for bomb, client in zip(bombs, clients):
            socket.send_fds(client, [wire.frame(b"boom")], [bomb.socket.fileno()])
            bomb.socket.close()
        with target(context, path, "inherits=true", f"admits={admitted}", "waits=true", ready="loaded",
                    listener=listener) as server:
            assert server.go_on() == "ready"
            with Bystander(path, control_ping) as bystander:
                time.sleep(LINGER_SECONDS + 1)
                felt = bystander.measure()
                unloaded = bystander.unloaded()
            alive = server.is_alive
        for bomb, client in zip(bombs, clients):
            bomb.end()
            client.close()
    os.unlink(path)
    return felt, unloaded, alive, ""


def control_ping(path: str) -> Ping:
    client = wire.connect(path + ".control", timeout=60)

    def ping() -> None:
        wire.ask(client, b"statistics")

    return ping


def descriptor_flood(context: Context) -> list[Figure]:
    """253 with every message, where the kernel lets them through: each connection ends, nothing stays."""
    path = context.name("rights")
    with target(context, path, "lacksPassRights=true") as server, Bystander(path) as bystander:
        usual = bystander.unloaded()
        before = server.descriptors
        highest = before
        end = time.monotonic() + context.count(3, 60)
        sent = 0
        while time.monotonic() < end:
            with wire.connect(path) as client:
                try:
                    socket.send_fds(client, [wire.frame(b"take these")], [client.fileno()] * 253)
                    sent += 253
                except OSError:
                    pass
            highest = max(highest, server.descriptors)
        felt = bystander.measure()
        time.sleep(0.5)
        left = server.settled("descriptors") - before
        endings = wire.statistics(path)["endings"]
        alive = server.is_alive
    return [
        exactly("25", "descriptors left of those sent", left, 0, f"{sent:,} sent; {highest - before:,} at most at a time"),
        exactly("25", "connections ended for that reason", endings.get("descriptorsReceived", 0), sent // 253),
        at_most("25", "descriptors without end: a bystander's p99", felt.p99, 5 + usual.p99, "ms",
                f"{felt}; unloaded {usual}"),
        exactly("25", "the server lives", alive, True),
    ]


def no_descriptors(context: Context) -> list[Figure]:
    """Twice as many clients as the process may have descriptors."""
    path = context.name("emfile")
    with target(context, path, descriptors=64) as server, Bystander(path) as bystander:
        usual = bystander.unloaded()
        clients = [connecting(path) for _ in range(300)]
        time.sleep(0.3)
        bystander.measure()
        before = server.processor_time
        time.sleep(2)
        spent = server.processor_time - before
        felt = bystander.measure()
        for client in clients:
            client.close()
        start = time.perf_counter()
        recovery = time_to_serve(path, start, 5)
    attacked = attacked_without_end(context)
    pings = 2000 * 0.0001
    return [
        at_most("28", "processor time in 2 s at the descriptor limit", spent, 0.02 + pings, "s",
                "0.2 s of it allowed for the bystander's 1,000 pings a second"),
        at_most("28", "processor time at the limit while somebody connects without end", attacked * 100, 1, "%"),
        at_most("28", "from release to serving again", recovery * 1000, 50, "ms"),
        at_most("28", "descriptor limit: a bystander's worst ping", felt.worst, 5 + usual.worst, "ms",
                f"{felt}; unloaded {usual}"),
    ]


def attacked_without_end(context: Context) -> float:
    """The share of a CPU that the server takes."""
    path = context.name("without-end")
    with target(context, path, descriptors=64) as server:
        clients = [connecting(path) for _ in range(200)]
        attacker = multiprocessing.Process(target=_connect_without_end, args=(path,), daemon=True)
        attacker.start()
        time.sleep(0.5)
        seconds = context.count(4, 20)
        before = server.run_time
        time.sleep(seconds)
        spent = server.run_time - before
        attacker.kill()
        attacker.join()
        for client in clients:
            client.close()
    return spent / seconds


def _connect_without_end(path: str) -> None:
    while True:
        connecting(path).close()


def connecting(path: str) -> socket.socket:
    """A client that does not wait for a place in the queue."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.setblocking(False)
    try:
        client.connect(path)
    except OSError:
        pass
    return client


def time_to_serve(path: str, start: float, patience: float) -> float:
    """Seconds from the start until a new client gets an answer."""
    while time.perf_counter() - start < patience:
        try:
            with wire.connect(path, timeout=1) as client:
                wire.ask(client, b"new")
                return time.perf_counter() - start
        except OSError:
            time.sleep(0.0005)
    return patience
