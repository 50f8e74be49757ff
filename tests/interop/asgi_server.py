"""Servers of `uvicorn` for the clients of tidewire: asgi_server.py IMPLEMENTATION [CERTIFICATE KEY]

The implementation is one of those that uvicorn knows: `websockets-sansio`, `wsproto`. They do what those of server.py do,
but for pings and fragments, of which an ASGI application knows nothing.
"""

import asyncio
import socket
import sys

import uvicorn

import serving


async def application(scope, receive, send):
    await receive()
    if scope["path"] == "/forbidden":
        fields = [(b"content-type", b"text/plain"), (b"content-length", b"9")]
        await send({"type": "websocket.http.response.start", "status": 403, "headers": fields})
        await send({"type": "websocket.http.response.body", "body": b"not here\n"})
        return
    subprotocol = "v2" if "v2" in scope["subprotocols"] else None
    await send({"type": "websocket.accept", "subprotocol": subprotocol})
    while (event := await receive())["type"] == "websocket.receive":
        await send(answer(scope, event))


def answer(scope, event):
    text = event.get("text")
    if text is None:
        return {"type": "websocket.send", "bytes": event["bytes"]}
    match text.split(" ", 2):
        case ["close", code, reason]:
            return {"type": "websocket.close", "code": int(code), "reason": reason}
        case ["field", name]:
            values = [value.decode() for have, value in scope["headers"] if have == name.lower().encode()]
            return {"type": "websocket.send", "text": ", ".join(values)}
    return {"type": "websocket.send", "text": text}


def server(implementation, files):
    settings = dict(zip(["ssl_certfile", "ssl_keyfile"], files))
    config = uvicorn.Config(
        application, ws=implementation, ws_max_size=serving.MAX_SIZE, lifespan="off", log_level="critical", **settings
    )
    return uvicorn.Server(config)


async def main():
    implementation, *files = sys.argv[1:]
    servers = [server(implementation, which) for which in ([[], files] if files else [[]])]
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in servers]
    async with asyncio.TaskGroup() as tasks:
        for each, listener in zip(servers, sockets):
            tasks.create_task(each.serve([listener]))
        await serving.until_input_ends(listener.getsockname()[1] for listener in sockets)
        for each in servers:
            each.should_exit = each.force_exit = True


asyncio.run(main())
