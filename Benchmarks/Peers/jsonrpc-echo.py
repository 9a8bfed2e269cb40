# SPDX-License-Identifier: Apache-2.0
"""JSON-RPC on Python's asyncio: a protocol that answers the lines of each chunk, and writes the answers together.

The libraries, jsonrpcserver and json-rpc, take a request's text and return the answer's, and have no transport of their
own. `.ci/install-peers` installs them.
"""

import argparse
import asyncio
import logging
import resource
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".build/peers"))

# The answer to a request; empty for a notification.
Answer = Callable[[str], str]


def jsonrpcserver() -> Answer:
    from jsonrpcserver import Success, dispatch

    methods = {"echo": lambda text: Success(text)}
    return lambda line: dispatch(line, methods=methods)


def json_rpc() -> Answer:
    from jsonrpc import JSONRPCResponseManager

    methods = {"echo": lambda text: text}

    def answer(line: str) -> str:
        response = JSONRPCResponseManager.handle(line, methods)
        return response.json if response else ""

    return answer


LIBRARIES = {"jsonrpcserver": jsonrpcserver, "json-rpc": json_rpc}


class Lines(asyncio.Protocol):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        answers = [answer for line in lines if (answer := self.answer(line.decode()))]
        if answers:
            self.transport.write("\n".join((*answers, "")).encode())

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()


async def serve(path: str, answer: Answer) -> None:
    server = await asyncio.get_running_loop().create_unix_server(lambda: Lines(answer), path, backlog=4096)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("socket", help="the path to listen on")
    arguments = parser.parse_args()
    # json-rpc logs every request otherwise.
    logging.disable()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    Path(arguments.socket).unlink(missing_ok=True)
    asyncio.run(serve(arguments.socket, LIBRARIES[arguments.library]()))


if __name__ == "__main__":
    main()
