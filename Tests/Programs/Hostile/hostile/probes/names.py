# SPDX-License-Identifier: Apache-2.0
"""7: a name after SIGKILL. 9: racing starts. 11: connects while a name is made. 61: a name that changes hands.
71: a socket file that another process keeps open. 75: directories above a name in which others may rename, and links. 76: cleaners of old files."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import socket
import stat
import statistics
import subprocess
import time
from multiprocessing.connection import Connection
from typing import Callable

from hostile import wire
from hostile.figures import Figure, at_most, exactly
from hostile.probes.descriptors import time_to_serve
from hostile.processes import Context, Server, preferred, stopped, target


def serving_again(context: Context) -> list[Figure]:
    """The successor is loaded and waits; SIGKILL; then the time until it answers."""
    path = context.name("killed")
    times, totals = [], []
    server = target(context, path)
    for _ in range(context.count(20, 200)):
        successor = target(context, path, "waits=true", ready="loaded")
        with preferred():
            killed = time.perf_counter()
            server.kill()
            start = time.perf_counter()
            successor.process.stdin.write("\n")
            successor.process.stdin.flush()
            times.append(time_to_serve(path, start, 5))
            totals.append(time.perf_counter() - killed)
        server.end()
        server = successor
    server.end()
    times.sort()
    return [
        at_most("7", "from the start beside what kill -9 left to serving, the median", statistics.median(times) * 1000, 10, "ms",
                f"of {len(times)}; max {times[-1] * 1000:.1f} ms"),
        at_most("7", "with the kernel's end of the killed process, the median", statistics.median(totals) * 1000, 50, "ms",
                f"max {max(totals) * 1000:.1f} ms; mostly the kernel's wait for the end of inotify's watches"),
    ]


def racing_starts(context: Context) -> list[Figure]:
    """Eight at once; then the owner is killed, and the next eight meet what it left behind."""
    rounds = context.count(40, 1000)
    path = context.name("race/name")
    os.makedirs(os.path.dirname(path), mode=0o700)
    wrong = []
    for number in range(rounds):
        racers = [target(context, path, "waits=true", ready="loaded") for _ in range(8)]
        for racer in racers:
            racer.process.stdin.write("\n")
            racer.process.stdin.flush()
        answers = [racer.process.stdout.readline().strip() for racer in racers]
        owners = [racer for racer, answer in zip(racers, answers) if answer == "ready"]
        losers = [answer for answer in answers if answer != "ready"]
        if len(owners) != 1 or not all("running server" in answer for answer in losers):
            wrong.append(f"round {number}: {answers}")
        for owner in owners:
            owner.kill()
        for racer in racers:
            racer.end()
    left = sorted(os.listdir(os.path.dirname(path)))
    expected = [".name.control.lock", ".name.lock", "name", "name.control"]
    return [
        exactly("9", f"rounds of 8 racing starts without exactly one owner, of {rounds}", len(wrong), 0,
                "; ".join(wrong[:1])),
        exactly("9", "what is left beside the name and its lock", [n for n in left if n not in expected], []),
    ]


def hand_over(context: Context) -> list[Figure]:
    """The name changes hands repeatedly, while two processes connect, ask and close all the time."""
    path = context.name("hand-over")
    times = context.count(20, 300)
    clients = []
    server = target(context, path)
    predecessors = []
    for _ in range(2):
        here, there = multiprocessing.Pipe()
        client = multiprocessing.Process(target=_connect_all_the_time, args=(path, there), daemon=True)
        client.start()
        there.close()
        clients.append((here, client))
    for _ in range(times):
        successor = target(context, path, "takesOver=true")
        predecessors.append(server)
        server = successor
        time.sleep(0.05)
    for predecessor in predecessors:
        predecessor.process.wait(15)
        predecessor.end()
    total, failures = 0, []
    for here, client in clients:
        here.send("end")
        count, failed = here.recv()
        total += count
        failures += failed
        client.join()
    server.end()
    return [
        exactly("61", f"failed connects of {total:,} during {times} hand-overs", len(failures), 0, "; ".join(failures[:2])),
        exactly("61", "predecessors that ended by themselves, in order",
                [p.process.returncode for p in predecessors].count(0), times),
    ]


def kept_file(context: Context) -> list[Figure]:
    """Two processes keep the socket file open (O_PATH) and connect without end while the name changes hands."""
    path = context.name("kept")
    grace = 1.0
    with target(context, path, f"handOverGrace={int(grace * 1000)}") as predecessor:
        floods = [multiprocessing.Process(target=_connect_through_the_file, args=(path,), daemon=True) for _ in range(2)]
        for flood in floods:
            flood.start()
        client = wire.connect(path)
        wire.ask(client, b"here")
        with target(context, path, "takesOver=true"), preferred():
            start = time.monotonic()
            worst = worst_ping_until_the_end(client)
            predecessor.process.wait(30)
            lasted = time.monotonic() - start
        for flood in floods:
            flood.kill()
            flood.join()
        client.close()
    return [
        at_most("71", "a predecessor that is flooded through its kept file ends, after a second and its grace",
                lasted, 1 + grace + 0.5, "s"),
        at_most("71", "a client's worst ping there until then", worst * 1000, 50, "ms"),
    ]


def worst_ping_until_the_end(client: socket.socket) -> float:
    worst = 0.0
    try:
        while True:
            start = time.perf_counter()
            wire.ask(client, b"ping")
            worst = max(worst, time.perf_counter() - start)
            time.sleep(0.001)
    except OSError:
        return worst


def _connect_through_the_file(path: str) -> None:
    file = os.open(path, os.O_PATH | os.O_NOFOLLOW)
    while True:
        enters(f"/proc/self/fd/{file}")


def _connect_all_the_time(path: str, control: Connection) -> None:
    count = 0
    failures = []
    while not control.poll(0):
        count += 1
        try:
            with wire.connect(path) as client:
                if wire.ask(client, b"served") != b"served":
                    failures.append("a wrong answer")
        except OSError as error:
            failures.append(f"{type(error).__name__}: {error}")
    control.send((count, failures))


def permission_window(context: Context) -> list[Figure]:
    """Another user looks and tries all the time, while the name comes and goes under umask 0."""
    if os.geteuid() != 0:
        return [Figure("11", "nobody gets in while a name is made", "skipped", "-", True, "takes root")]
    directory = context.name("window")
    os.mkdir(directory, 0o755)
    starts = context.count(2000, 10_000)
    here, there = multiprocessing.Pipe()
    observer = multiprocessing.Process(target=_observe, args=(directory, there), daemon=True)
    observer.start()
    there.close()
    here.recv()
    with target(context, directory + "/name", f"rehearsals={starts}"):
        here.send("end")
        looks, modes, entered = here.recv()
    observer.join()
    return [
        exactly("11", f"modes of the name that another user saw in {starts:,} starts", sorted(map(oct, modes)), ["0o1600"],
                f"{looks:,} looks"),
        exactly("11", "connects by another user that succeeded", entered, 0),
    ]


def _observe(directory: str, control: Connection) -> None:
    os.setgid(65534)
    os.setuid(65534)
    looks, entered = 0, 0
    modes = set()
    control.send("watching")
    while not control.poll(0):
        for name in os.listdir(directory):
            looks += 1
            try:
                status = os.lstat(f"{directory}/{name}")
            except FileNotFoundError:
                continue
            if stat.S_ISSOCK(status.st_mode):
                modes.add(stat.S_IMODE(status.st_mode))
                entered += enters(f"{directory}/{name}")
    control.send((looks, modes, entered))


def enters(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.setblocking(False)
        try:
            client.connect(path)
            return True
        except OSError:
            return False


def hostile_directories(context: Context) -> list[Figure]:
    """A user who may rename a directory above the socket's puts another server there; one who may not does no harm."""
    base = context.name("above")
    os.mkdir(base, 0o755)
    refused = []
    for kind, mode in (("0777", 0o777), ("0775", 0o775)):
        os.makedirs(f"{base}/{kind}/a/b", 0o755)
        os.chmod(f"{base}/{kind}", mode)
        refused.append((f"{base}/{kind}/a/b/name", f"{base}/{kind} is not safe"))
    os.makedirs(f"{base}/sticky/a", 0o755)
    os.chmod(f"{base}/sticky", 0o1777)
    served = [f"{base}/sticky/a/name"]
    os.symlink(f"{base}/sticky/a", f"{base}/link")
    served.append(f"{base}/link/name")
    if os.geteuid() == 0:
        os.makedirs(f"{base}/theirs/ours", 0o755)
        os.chown(f"{base}/theirs", 65534, 65534)
        refused.append((f"{base}/theirs/ours/name", f"{base}/theirs is not safe"))
        os.symlink(f"{base}/sticky/a", f"{base}/their-link")
        os.chown(f"{base}/their-link", 65534, 65534, follow_symlinks=False)
        refused.append((f"{base}/their-link/name", f"{base}/their-link is a symbolic link"))
    wrong = [path for path, reason in refused if reason not in _answer(context, path)]
    left = [path for path, _ in refused if os.path.lexists(path)]
    unserved = [path for path in served if _answer(context, path) != "ready"]
    return [
        exactly("75", f"unsafe paths, of {len(refused)}, that were served, or refused for another reason", wrong, []),
        exactly("75", "names that refusals left behind", left, []),
        exactly("75", f"safe paths, of {len(served)}, that were refused", unserved, []),
    ]


def _answer(context: Context, path: str) -> str:
    """The output of a start, which is then ended."""
    server = Server([context.target, path], path, ready="")
    answer = server.process.stdout.readline().strip()
    server.end()
    return answer


def cleaners(context: Context) -> list[Figure]:
    """The files of a live server are made old, swept, removed; others try to start meanwhile."""
    path = context.name("cleaned/name")
    directory = os.path.dirname(path)
    lock = f"{directory}/.name.lock"
    os.mkdir(directory, 0o755)
    rounds = context.count(5, 100)
    swept, intruders, unlocked = 0, [], 0
    server = target(context, path)
    _age(path, lock)
    is_refreshed = _comes_true(lambda: min(os.stat(path).st_mtime, os.stat(lock).st_mtime) > time.time() - 3600)
    for _ in range(rounds):
        with stopped(server.process.pid):
            _age(path, lock)
            _sweep(context, directory)
            swept += not os.path.exists(path) or not os.path.exists(lock)
        os.unlink(lock)
        unlocked += not _comes_true(lambda: os.path.exists(lock))
        answer = _answer(context, path)
        if "running server" not in answer:
            intruders.append(answer)
    with wire.connect(path) as client:
        answered = wire.ask(client, b"still there")
    os.unlink(path)
    start = time.perf_counter()
    successor = target(context, path, "takesOver=true")
    taken = time.perf_counter() - start
    with wire.connect(path) as client:
        answered_by_successor = wire.ask(client, b"taken over")
    ended = server.process.wait(15)
    server.end()
    successor.end()
    has_cleaner = shutil.which("systemd-tmpfiles") is not None
    return [
        exactly("76", f"live sockets and locks lost to a cleaner in {rounds} sweeps", swept, 0,
                "systemd-tmpfiles" if has_cleaner else "one that obeys the sticky bit, as systemd-tmpfiles does"),
        exactly("76", "whether files that have grown old are young again", is_refreshed, True),
        exactly("76", f"locks of {rounds} that were removed and not put back", unlocked, 0),
        exactly("76", "second servers that started meanwhile", intruders, []),
        exactly("76", "what the server answers after all that", answered, b"still there"),
        at_most("76", "until a successor has the name of a server whose socket was removed", taken * 1000, 1000, "ms"),
        exactly("76", "what the successor answers, and how the predecessor ended", (answered_by_successor, ended),
                (b"taken over", 0)),
    ]


def _age(*paths: str) -> None:
    past = time.time() - 40 * 86_400
    for path in paths:
        os.utime(path, (past, past), follow_symlinks=False)


def _sweep(context: Context, directory: str) -> None:
    cleaner = shutil.which("systemd-tmpfiles")
    if cleaner:
        configuration = context.name("tmpfiles.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(f"d {directory} 0755 - - 0\n")
        subprocess.run([cleaner, "--clean", configuration], check=False, stderr=subprocess.DEVNULL)
        return
    for name in os.listdir(directory):
        if not os.lstat(f"{directory}/{name}").st_mode & stat.S_ISVTX:
            os.unlink(f"{directory}/{name}")


def _comes_true(condition: Callable[[], bool], patience: float = 20.0) -> bool:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True
