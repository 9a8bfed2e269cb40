#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Google's own Protocol Buffers, delimited: reads values until the end, and sends each back in a list with itself."""

import argparse

import json_rpc
from google.protobuf.internal.decoder import _DecodeVarint32
from google.protobuf.internal.encoder import _VarintBytes
from google.protobuf.struct_pb2 import Value


def read(stream) -> Value | None:
    """The next message behind its varint length; none at the end."""
    header = b""
    while not header or header[-1] & 0x80:
        byte = stream.read(1)
        if not byte:
            if header:
                raise json_rpc.Failure("the stream ends in a length")
            return None
        header += byte
    length, _ = _DecodeVarint32(header, 0)
    value = Value()
    value.ParseFromString(stream.read(length))
    return value


def server(address: str) -> int:
    count = 0
    with json_rpc.accept(address) as connected, connected.makefile("rb") as stream:
        while (value := read(stream)) is not None:
            reply = Value()
            reply.list_value.values.extend([value, value])
            body = reply.SerializeToString()
            connected.sendall(_VarintBytes(len(body)) + body)
            count += 1
    return count


if __name__ == "__main__":
    json_rpc.main(argparse.ArgumentParser(description=__doc__), {"server": server})
