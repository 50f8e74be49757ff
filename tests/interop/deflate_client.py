"""Checks servers of tidewire with the compressing client of `websockets`: deflate_client.py [URL PARAMETERS LOAD]...

Each server sends back what it gets. Offers the parameters, or nothing where they are `off`, and prints what was agreed
on, one line for each connection.
"""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

import deflate


async def exchange(url, parameters, load):
    options = deflate.options(parameters)
    extensions = None if options is None else [ClientPerMessageDeflateFactory(**options)]
    async with connect(url, compression=None, extensions=extensions) as ws:
        for message in deflate.load(load):
            await ws.send(message)
            answer = await ws.recv()
            assert answer == message, f"{len(answer)} in place of {len(message)}"
        print(ws.response.headers.get("Sec-WebSocket-Extensions", ""), flush=True)


async def main():
    async with asyncio.timeout(30):
        arguments = sys.argv[1:]
        for at in range(0, len(arguments), 3):
            await exchange(*arguments[at : at + 3])


asyncio.run(main())
