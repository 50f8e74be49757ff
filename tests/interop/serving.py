"""What the scripts that serve share: what is around their connections, and how long they run."""

import asyncio
import ssl
import sys

# More than any test sends; the defaults differ.
MAX_SIZE = 16 << 20


def securities(arguments):
    """Returns what each server has around its connections: nothing, and TLS where a certificate and its key are named."""
    if not arguments:
        return [None]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*arguments)
    return [None, context]


async def until_input_ends(ports):
    """Prints the ports in one line, and waits for the end of the input."""
    print(*ports, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
