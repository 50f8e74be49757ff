"""Compressing servers of `websockets` for the clients of tidewire: deflate_server.py PARAMETERS...

Starts one server for each set of parameters (`off`: without compression), prints their ports in one line, and runs
until its input ends. They send back what they get, but answer `agreed` with the extension that was agreed on.
"""

import asyncio
import sys
from contextlib import AsyncExitStack

from websockets.asyncio.server import serve
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

import deflate


async def handle(ws):
    async for message in ws:
        if message == "agreed":
            message = ws.response.headers.get("Sec-WebSocket-Extensions", "")
        await ws.send(message)


def start(parameters):
    options = deflate.options(parameters)
    extensions = None if options is None else [ServerPerMessageDeflateFactory(**options)]
    return serve(handle, "127.0.0.1", 0, compression=None, extensions=extensions)


async def main():
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(start(parameters)) for parameters in sys.argv[1:]]
        print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
