"""A server of `websockets` for the clients of tidewire: prints its port, and runs until its input ends.

It sends back what it gets, but for a few commands.
"""

import asyncio
import http
import sys

from websockets.asyncio.server import serve


async def handle(ws):
    async for message in ws:
        match message.split(" ", 2) if isinstance(message, str) else []:
            case ["close", code, reason]:
                await ws.close(int(code), reason)
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


async def main():
    options = dict(process_request=refuse, select_subprotocol=favourite, ping_interval=0.01)
    async with serve(handle, "127.0.0.1", 0, **options) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
