"""One line that says what is running: rewritten in place on a terminal, a plain line anywhere else."""

from __future__ import annotations

import sys


def show(text: str) -> None:
    """Shows the text until the next call."""
    if sys.stdout.isatty():
        print(f"\r\x1b[K{text}", end="", flush=True)
    else:
        print(text, flush=True)


def clear() -> None:
    """Removes the line from a terminal."""
    if sys.stdout.isatty():
        print("\r\x1b[K", end="", flush=True)
