"""What both runners of the suite are to the rest: a way to run some cases against one testee."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

from .cases import DEFLATE_GROUPS, client_flags, group_of
from .process import Process

# A case's `behavior` and `behaviorClose`, in the suite's words.
Verdict = tuple[str, str]
Verdicts = dict[str, Verdict]

START_SECONDS = 20.0
# The longest wait inside a case is 100 s, and several cases may run into it before the suite writes its report.
PART_SECONDS = 600.0
# Up to 480 s inside a case of permessage-deflate. A section of eighteen cases took up to 75 s with kosoku (and Python's
# `websockets` as the peer); 175 s with wstest.
DEFLATE_PART_SECONDS = 1800.0


class Suite(Protocol):
    """A runner of the suite."""

    name: str

    def against_server(self, url: str, testee: Process, cases: list[str], out: Path) -> Verdicts:
        """Runs the cases against the listening testee and returns what each one got."""
        ...

    def against_client(self, program: Path, agent: str, cases: list[str], out: Path) -> Verdicts:
        """Runs the cases with the testee as the client and returns what each one got."""
        ...


def seconds_for(cases: list[str]) -> float:
    """Returns how long a run of these cases may take before it is given up."""
    return DEFLATE_PART_SECONDS if any(group_of(case) in DEFLATE_GROUPS for case in cases) else PART_SECONDS


def read_index(out: Path) -> Verdicts:
    """Returns the verdicts of the report in `out`: none when the suite did not write one."""
    file = out / "index.json"
    if not file.is_file():
        return {}
    agents = json.loads(file.read_text())
    return {
        case: (entry["behavior"], entry["behaviorClose"])
        for verdicts in agents.values()
        for case, entry in verdicts.items()
    }


def run_client(program: Path, agent: str, url: str, log: Path, cases: list[str]) -> None:
    """Runs a client testee against the suite until it has worked through all of these cases.

    Raises `ProcessFault` when the testee fails, or has not ended when the time is over.
    """
    with Process(agent, [program, url, "--agent", agent, *client_flags(cases)], log) as testee:
        if testee.wait(seconds_for(cases)) != 0:
            testee.must_run()
