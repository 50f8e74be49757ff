"""What the scripts about compression share: the parameters they are given, and the messages of a load."""

import json
import random


def options(parameters):
    """Turns `server_no_context_takeover; client_max_window_bits=9` into arguments of a factory; `off` into `None`."""
    if parameters == "off":
        return None
    pairs = [part.partition("=") for part in parameters.split("; ") if part]
    return {name: int(value) if value else True for name, _, value in pairs}


def records(length):
    """Returns JSON of at least this many bytes."""
    found = []
    size = 0
    while size < length:
        number = len(found)
        record = {"id": number, "name": f"user {number}", "score": number * 37 % 101, "tags": ["tide", "wire"]}
        found.append(record)
        size += len(json.dumps(record))
    return json.dumps(found)


def load(name):
    """Returns the messages of a load."""
    small, large = records(1 << 10), records(70 << 10)
    match name:
        case "json":
            return [large]
        case "repeated":
            return [small] * 20
        case "every":
            letters = "tide and wire, é漢🦀; " * 4
            texts = [letters[:length] for length in (0, 1, 63, 64)]
            noise = random.Random(7).randbytes
            return [
                *texts,
                *(text.encode() for text in texts),
                *(noise(length) for length in (1, 63, 64, 5000, 70_000)),
                *[small, large] * 3,
                *[small.encode(), large.encode()] * 2,
            ]
        case _:
            raise ValueError(name)
