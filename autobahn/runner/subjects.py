"""The four testees: their names, their roles, and the programs cargo builds for them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from . import paths


class Role(Enum):
    """The side of the connection a testee plays; the suite plays the other."""

    SERVER = "server"
    CLIENT = "client"


@dataclass(frozen=True)
class Subject:
    """A testee by its name, which is also its program's."""

    name: str
    role: Role


ALL = (
    Subject("server-tokio", Role.SERVER),
    Subject("client-tokio", Role.CLIENT),
    Subject("server-blocking", Role.SERVER),
    Subject("client-blocking", Role.CLIENT),
)


class BuildFault(Exception):
    """The testees could not be built."""


def named(names: list[str]) -> list[Subject]:
    """Returns the subjects with these names, all of them where there is no name.

    Raises `ValueError` for a name that is none of the four.
    """
    by_name = {subject.name: subject for subject in ALL}
    for name in names:
        if name not in by_name:
            raise ValueError(f"no subject {name!r}: there are {', '.join(by_name)}")
    return [by_name[name] for name in dict.fromkeys(names)] or list(ALL)


def build() -> dict[str, Path]:
    """Builds the testees and returns each one's program by its name; cargo's own messages go to standard error."""
    command = ["cargo", "build", "--release", "-p", "tidewire-autobahn", "--message-format=json-render-diagnostics"]
    done = subprocess.run(command, cwd=paths.ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise BuildFault(f"`{' '.join(command)}` ended with exit code {done.returncode}")
    messages = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    programs = {
        message["target"]["name"]: Path(message["executable"])
        for message in messages
        if message.get("reason") == "compiler-artifact" and message.get("executable")
    }
    missing = [subject.name for subject in ALL if subject.name not in programs]
    if missing:
        raise BuildFault(f"cargo built no program named {', '.join(missing)}")
    return programs
