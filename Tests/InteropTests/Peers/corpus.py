# SPDX-License-Identifier: Apache-2.0
"""The messages that every foreign client sends (README.md defines them), and the code that the Python clients share."""

import argparse
import os
import signal
import struct
import sys
import threading
import zlib

BLOCK_SIZE = 65_521
PIPELINED_COUNT = 10_000
LARGEST = 16 * 1024 * 1024 - 1

TEXTS = [
    "Zażółć gęślą jaźń",
    "Привет, мир. Γειά σου, κόσμε.",
    "שלום עולם, مرحبا بالعالم",
    "नमस्ते दुनिया, สวัสดีชาวโลก",
    "你好，世界。こんにちは、世界。안녕하세요",
    "\U0001F469\u200D\U0001F469\u200D\U0001F467 \U0001F3F3\uFE0F\u200D\U0001F308 \U0001F1F5\U0001F1F1",
    "e\u0301 n\u0303 \u1E9B\u0323 Z\u0351\u036B\u0343",
    "two\nlines\r\n, a tab\t, a NUL\0, a bell\a",
]


class Failure(Exception):
    """The other side did something wrong; the text says what."""


def _block():
    state, content = 0x4E503437, bytearray()
    for _ in range(BLOCK_SIZE):
        state = (state * 1_664_525 + 1_013_904_223) & 0xFFFF_FFFF
        content.append(state >> 24)
    return bytes(content)


REPEATED = _block() * (LARGEST // BLOCK_SIZE + 2)


def pattern(offset, length):
    start = offset % BLOCK_SIZE
    return REPEATED[start : start + length]


def singles():
    """The messages that are sent one at a time, each after the reply to the one before."""
    lengths = [0, 1, 65_535, 65_536, 65_537, 1_048_576, LARGEST]
    misleading = [bytes(4), b"\xff" * 12, bytes(range(256))]
    noise = [pattern(1_009 * length, length) for length in (4, 1_000, 9_999, 250_007)]
    return [pattern(0, length) for length in lengths] + [text.encode() for text in TEXTS] + misleading + noise


def pipelined():
    """The messages that are sent without waiting for replies."""
    return [pattern(31 * index, 97 * index % 301) for index in range(PIPELINED_COUNT)]


def frame(body):
    return struct.pack("!I", len(body)) + body


class Tally:
    """Counts messages and digests them as they look on the wire."""

    def __init__(self):
        self.message_count = self.byte_count = self.digest = 0

    def add(self, body):
        self.message_count += 1
        self.byte_count += len(body)
        self.digest = zlib.crc32(body, zlib.crc32(struct.pack("!I", len(body)), self.digest))

    def check(self, sent, reply):
        if reply != sent:
            raise Failure(f"reply {self.message_count}: {difference(sent, reply)}")
        self.add(reply)

    def __str__(self):
        return f"ok {self.message_count} messages {self.byte_count} bytes {self.digest:08x}"


def difference(sent, reply):
    if len(sent) != len(reply):
        return f"{len(reply)} bytes came back for {len(sent)}"
    index = next(index for index, pair in enumerate(zip(sent, reply)) if pair[0] != pair[1])
    return f"byte {index} of {len(sent)} is {reply[index]:#04x}, not {sent[index]:#04x}"


def parser(description, address="address"):
    result = argparse.ArgumentParser(description=description)
    result.add_argument(address, nargs="?" if "--digest" in sys.argv else None)
    result.add_argument("--timeout", type=float, default=30, help="seconds for the whole run (default: 30)")
    result.add_argument("--digest", action="store_true", help="connect to nothing, describe the corpus")
    return result


def socket_address(text):
    """`@name` is the abstract name, everything else a path."""
    return "\0" + text[1:] if text.startswith("@") else text


def in_background(work):
    """Runs `work` on another thread; the returned function waits for it and raises its exception."""
    problems = []

    def guarded():
        try:
            work()
        except (Failure, OSError, EOFError) as problem:
            problems.append(problem)

    # A daemon: when the main thread has given up, a write that still blocks must not keep the process.
    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()

    def wait():
        thread.join()
        if problems:
            raise problems[0]

    return wait


def main(exchange, arguments):
    """Runs `exchange`, which returns a tally, and reports in the one way the tests expect."""

    def expired(*_):
        raise Failure(f"not finished after {arguments.timeout:g} s")

    # An alarm ends a read that blocks inside another library; the parent's signal mask was inherited.
    signal.signal(signal.SIGALRM, expired)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    signal.setitimer(signal.ITIMER_REAL, arguments.timeout)
    try:
        tally = of_corpus() if arguments.digest else exchange(arguments)
    except (Failure, OSError, EOFError) as problem:
        print(f"{os.path.basename(sys.argv[0])}: {problem or type(problem).__name__}", file=sys.stderr)
        sys.exit(1)
    print(tally, flush=True)


def of_corpus():
    tally = Tally()
    for body in singles() + pipelined():
        tally.add(body)
    return tally
