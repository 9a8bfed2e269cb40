#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speaks NATS's service protocol with nats-py, as the other end of ServiceInteropTests: calls our service, finds it as
`nats micro` does, and is a service itself until it is told to stop. Exits with 0 if everything was as it should be.

    service_peer.py URL
"""
import asyncio
import json
import sys

import nats
import nats.micro


async def discover(client, subject):
    """The first answer, of the only instance."""
    return json.loads((await client.request(subject, b"", timeout=60)).data)


async def check_service(client):
    answer = await client.request("sums.add", b"[1,2,39]", timeout=60)
    assert json.loads(answer.data) == 42 and not answer.headers, answer
    failed = await client.request("sums.fail", b"[]", timeout=60)
    assert failed.headers["Nats-Service-Error-Code"] == "42", failed.headers
    assert failed.headers["Nats-Service-Error"] == "no way", failed.headers
    assert json.loads(failed.data) == {"code": 42, "message": "no\nway", "data": {"at": 3}}, failed.data
    ping = await discover(client, "$SRV.PING")
    assert ping["name"] == "sums" and ping["type"] == "io.nats.micro.v1.ping_response", ping
    info = await discover(client, f"$SRV.INFO.sums.{ping['id']}")
    assert {endpoint["subject"] for endpoint in info["endpoints"]} >= {"sums.add", "sums.fail"}, info
    statistics = await discover(client, "$SRV.STATS.sums")
    counts = {endpoint["name"]: endpoint["num_requests"] for endpoint in statistics["endpoints"]}
    assert counts["add"] == 1 and counts["fail"] == 1, counts


async def be_service(client):
    stopped = asyncio.Event()

    async def double(request):
        await request.respond(json.dumps(2 * json.loads(request.data)).encode())

    async def fail(request):
        await request.respond_error("418", "a teapot")

    async def stop(request):
        await request.respond(b"")
        stopped.set()

    service = await nats.micro.add_service(client, name="python", version="0.1.0")
    for name, handler in [("double", double), ("fail", fail), ("stop", stop)]:
        await service.add_endpoint(name=name, subject=f"python.{name}", handler=handler)
    await stopped.wait()
    await service.stop()


async def main():
    client = await nats.connect(sys.argv[1])
    await check_service(client)
    await be_service(client)
    await client.drain()


asyncio.run(main())
