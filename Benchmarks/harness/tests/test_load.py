# SPDX-License-Identifier: Apache-2.0
"""The load itself: it reports what a server did, and overlooks no error."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest
from collections.abc import Callable, Iterator
from typing import Any

Reply = Callable[[bytes, int], bytes]

PROGRAM = os.environ.get("C_LOAD")


def read_exactly(connection: socket.socket, count: int) -> bytes:
    parts = []
    while count > 0:
        part = connection.recv(count)
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def serve(connection: socket.socket, reply: Reply) -> None:
    """Answers frame by frame; the first connection of a load, which sends one message, as an honest server does."""
    with connection, contextlib.suppress(EOFError, OSError):
        number = 0
        while True:
            header = read_exactly(connection, 4)
            frame = header + read_exactly(connection, struct.unpack(">I", header)[0])
            is_probe = frame[12:16] == b"\xff\xff\xff\xff"
            connection.sendall(frame if is_probe else reply(frame, number))
            number += not is_probe


@contextlib.contextmanager
def server(reply: Reply) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listener:
        path = os.path.join(directory, "socket")
        listener.bind(path)
        listener.listen(64)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0], reply), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield path
        listener.shutdown(socket.SHUT_RDWR)


def echo(frame: bytes, number: int) -> bytes:
    return frame


def run(reply: Reply, *options: object) -> subprocess.CompletedProcess[str]:
    with server(reply) as path:
        command = [str(PROGRAM), "--path", path, "--seconds", "0.1", "--warm-up", "0.02", *map(str, options)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)


@unittest.skipUnless(PROGRAM, "C_LOAD does not say where c-load is: make bench-test")
class Load(unittest.TestCase):
    def measured(self, reply: Reply, *options: object) -> dict[str, Any]:
        done = run(reply, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def assert_noticed(self, reply: Reply, what: str, *options: object) -> None:
        done = run(reply, *options)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(what, done.stderr)

    def test_every_kind_of_load_is_content_with_an_echo(self) -> None:
        for options in (
            ("--connections", 3, "--in-flight", 4), ("--churn", "--connections", 2), ("--rate", 500),
            ("--sizes", "mixed", "--in-flight", 3), ("--size", 300_000), ("--size", 300_000, "--own-memory"), ("--flood", 2), ("--idle", 20),
            ("--poll", 20),
        ):
            with self.subTest(options=options):
                self.assertEqual(self.measured(echo, "--messages", 60, *options)["messages"], 60)

    def test_a_number_of_messages_is_kept_exactly(self) -> None:
        for options in (("--connections", 7, "--in-flight", 3), ("--churn", "--connections", 3), ("--rate", 2000)):
            with self.subTest(options=options):
                self.assertEqual(self.measured(echo, "--messages", 101, *options)["messages"], 101)

    def test_an_altered_body_is_noticed(self) -> None:
        def alter(frame: bytes, number: int) -> bytes:
            return frame[:-1] + bytes([frame[-1] ^ 1]) if number == 5 else frame

        for options in ((), ("--size", 20_000), ("--sizes", "mixed"), ("--size", 20_000, "--own-memory")):
            with self.subTest(options=options):
                self.assert_noticed(alter, "the body", "--messages", 10, *options)

    def test_a_reply_that_comes_twice_is_noticed(self) -> None:
        self.assert_noticed(lambda frame, number: frame * 2 if number == 5 else frame, "reply 6", "--messages", 10)

    def test_another_length_is_noticed(self) -> None:
        def shorten(frame: bytes, number: int) -> bytes:
            return struct.pack(">I", len(frame) - 5) + frame[4:-1]

        self.assert_noticed(shorten, "length, number or connection")

    def test_replies_out_of_order_are_noticed(self) -> None:
        kept: list[bytes] = []

        def swap(frame: bytes, number: int) -> bytes:
            if number == 0:  # Nobody sends a second message before everyone has had a reply.
                return frame
            kept.append(frame)
            return b"" if number % 2 == 1 else kept.pop() + kept.pop()

        self.assert_noticed(swap, "length, number or connection", "--in-flight", 2)

    def test_a_stall_is_charged_to_every_message_that_was_due_meanwhile(self) -> None:
        def stall(frame: bytes, number: int) -> bytes:
            if number == 50:
                time.sleep(0.2)
            return frame

        found = self.measured(stall, "--rate", 1000, "--messages", 400)
        # Of 400 messages, one a millisecond, some 200 were due in the stall: they waited 100 ms on average.
        self.assertGreater(found["latency_us"]["p90"], 50_000)
        self.assertGreaterEqual(found["latency_us"]["max"], 190_000)

    def test_what_is_never_answered_is_counted(self) -> None:
        silent = threading.Event()

        def ignore(frame: bytes, number: int) -> bytes:
            if number == 20:
                silent.wait(20)
            return frame

        found = self.measured(ignore, "--rate", 500, "--seconds", 0.2)
        silent.set()
        self.assertGreater(found["unanswered"], 50)
        self.assertGreater(found["latency_us"]["p90"], 4e6)

    def test_the_servers_process_is_looked_at(self) -> None:
        found = self.measured(echo, "--server-pid", os.getpid(), "--idle", 10)
        self.assertGreater(found["server_cpu_seconds"], 0)
        self.assertGreater(found["server_resident_bytes"]["before"], 1 << 20)
        self.assertIn("server_resident_bytes_per_connection", found)

    def test_the_flood_is_told_apart(self) -> None:
        is_flooded = threading.Event()

        def await_flood(frame: bytes, number: int) -> bytes:
            if struct.unpack("<I", frame[12:16])[0] == 1:  # the flooder's, behind the one that is measured
                if number == 1:  # so its first reply has left
                    is_flooded.set()
            elif number == 100:
                is_flooded.wait(60)
            return frame

        found = self.measured(await_flood, "--flood", 1, "--messages", 300)
        self.assertEqual(found["messages"], 300)
        self.assertGreater(found["flood"]["messages"], 0)
