"""Servers of `aiohttp` for the clients of tidewire: aiohttp_server.py [CERTIFICATE KEY]

They do what those of server.py do, but send no fragments.
"""

import asyncio
import logging
import sys

from aiohttp import WSMsgType, web

import serving


async def handle(request):
    if request.path == "/forbidden":
        return web.Response(status=403, text="not here\n")
    ws = web.WebSocketResponse(protocols=["v2"], max_msg_size=serving.MAX_SIZE, autoping=False, autoclose=False)
    await ws.prepare(request)
    async for message in ws:
        match message.type:
            case WSMsgType.PING:
                await ws.pong(message.data)
            case WSMsgType.PONG:
                await ws.send_str("answered")
            case WSMsgType.TEXT:
                await obey(ws, request, message.data)
            case WSMsgType.BINARY:
                await ws.send_bytes(message.data)
    if not ws.closed:
        # By itself, it answers every code with 1000.
        await ws.close(code=ws.close_code)
    return ws


async def obey(ws, request, message):
    match message.split(" ", 2):
        case ["close", code, reason]:
            await ws.close(code=int(code), message=reason.encode())
        case ["field", name]:
            await ws.send_str(", ".join(request.headers.getall(name, [])))
        case ["ping"]:
            await ws.ping(b"ping")
        case _:
            await ws.send_str(message)


async def main():
    # Of offers that it does not know, it warns.
    logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)
    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    for security in serving.securities(sys.argv[1:]):
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=security).start()
    await serving.until_input_ends(port for _, port in runner.addresses)
    await runner.cleanup()


asyncio.run(main())
