"""Servers of `websockets` for the clients of tidewire: server.py [CERTIFICATE KEY]

Starts one in the clear and, where there is a certificate, one with TLS; prints their ports in one line, and runs until
its input ends. They send back what they get, but for a few commands, and the other servers of this folder do the same:

    close CODE REASON   closes
    field NAME          says the values of a field of the request
    pieces              sends `in pieces` in fragments, where the implementation can
    ping                says `answered` after the answer to a ping, where the implementation can

At `/forbidden` they refuse, and of the subprotocols they know `v2`.
"""

import asyncio
import http
import sys
from contextlib import AsyncExitStack, suppress

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

import serving


async def handle(ws):
    # A client may vanish: that is the test's business.
    with suppress(ConnectionClosed):
        async for message in ws:
            await obey(ws, message)


async def obey(ws, message):
    match message.split(" ", 2) if isinstance(message, str) else []:
        case ["close", code, reason]:
            await ws.close(int(code), reason)
        case ["field", name]:
            await ws.send(", ".join(ws.request.headers.get_all(name)))
        case ["pieces"]:
            await ws.send(["in ", "", "pieces"])
        case ["ping"]:
            await (await ws.ping())
            await ws.send("answered")
        case ["latency"]:
            await ws.send("measured" if ws.latency else "not yet")
        case ["vanish"]:
            ws.transport.abort()
        case _:
            await ws.send(message)


def refuse(ws, request):
    if request.path == "/forbidden":
        return ws.respond(http.HTTPStatus.FORBIDDEN, "not here\n")


def favourite(ws, offers):
    return "v2" if "v2" in offers else None


def start(security):
    return serve(
        handle,
        "127.0.0.1",
        0,
        ssl=security,
        process_request=refuse,
        select_subprotocol=favourite,
        ping_interval=0.01,
        max_size=serving.MAX_SIZE,
    )


async def main():
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(start(security)) for security in serving.securities(sys.argv[1:])]
        await serving.until_input_ends(server.sockets[0].getsockname()[1] for server in servers)


asyncio.run(main())
