"""Checks a server of tidewire with the client of `websockets`: client.py URL CHECK

The server sends back what it gets, but for the commands that the checks use.
"""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

LARGE = 1 << 20


async def text(url):
    async with connect(url, compression=None) as ws:
        for message in ["hello", "", "é漢🦀", "x" * LARGE]:
            await ws.send(message)
            assert await ws.recv() == message


async def binary(url):
    async with connect(url, compression=None, max_size=None) as ws:
        for message in [b"hello", b"", bytes(range(256)), bytes(LARGE)]:
            await ws.send(message)
            assert await ws.recv() == message


async def fragmented(url):
    async with connect(url, compression=None) as ws:
        await ws.send(["frag", "", "men", "ted é"])
        assert await ws.recv() == "fragmented é"
        await ws.send("in pieces")
        pieces = [piece async for piece in ws.recv_streaming()]
        assert pieces == ["in ", "pie", "ces"], pieces


async def compression(url):
    # Offered, as by default, and not taken.
    async with connect(url) as ws:
        await ws.send("x" * 1000)
        assert await ws.recv() == "x" * 1000
        assert "Sec-WebSocket-Extensions" not in ws.response.headers


async def ping(url):
    async with connect(url, compression=None) as ws:
        answers = [await ws.ping(b"one"), await ws.ping(), await ws.ping(b"x" * 125)]
        await asyncio.gather(*answers)
        await ws.send("ping me")
        assert await ws.recv() == "answered"


async def close_by_client(url):
    for code, reason in [(1000, ""), (1001, "away"), (3000, "x" * 123), (4999, "é")]:
        async with connect(url, compression=None) as ws:
            await ws.close(code, reason)
            assert (ws.close_code, ws.protocol.close_sent.reason) == (code, reason)
            assert ws.protocol.close_rcvd.code == code


async def close_by_server(url):
    for code, reason in [(1000, ""), (1011, "broken"), (4001, "see you")]:
        async with connect(url, compression=None) as ws:
            await ws.send(f"close {code} {reason}")
            try:
                await ws.recv()
            except ConnectionClosed as closed:
                assert (closed.rcvd.code, closed.rcvd.reason) == (code, reason), closed
                assert closed.sent.code == code, closed
                assert closed.rcvd_then_sent, closed
            else:
                raise AssertionError("not closed")


async def subprotocol(url):
    async with connect(url + "chosen", compression=None, subprotocols=["v1", "v2"]) as ws:
        assert ws.subprotocol == "v2", ws.subprotocol


async def no_subprotocol(url):
    try:
        async with connect(url, compression=None, subprotocols=["v3"]):
            raise AssertionError("not refused")
    except InvalidStatus as refused:
        assert refused.response.status_code == 400
        assert refused.response.body == b"no common subprotocol\n", refused.response.body


async def refused(url):
    try:
        async with connect(url + "forbidden", compression=None):
            raise AssertionError("not refused")
    except InvalidStatus as refused:
        assert refused.response.status_code == 403
        assert refused.response.body == b"not here\n", refused.response.body


async def too_big(url):
    async with connect(url, compression=None) as ws:
        try:
            await ws.send(bytes(500_000))
            await ws.recv()
        except ConnectionClosed as closed:
            assert closed.rcvd.code == 1009, closed
        else:
            raise AssertionError("not closed")


async def keepalive(url):
    async with connect(url, compression=None, ping_interval=0.01) as ws:
        while ws.latency == 0:
            await asyncio.sleep(0.01)
        # The server's keepalive, too: it says when it has had an answer.
        await ws.send("latency")
        while (answer := await ws.recv()) != "measured":
            assert answer == "not yet", answer
            await ws.send("latency")


async def main():
    async with asyncio.timeout(30):
        await globals()[sys.argv[2]](sys.argv[1])


asyncio.run(main())
