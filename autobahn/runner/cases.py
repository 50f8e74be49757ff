"""Which cases exist, which of them a run owes, and which the suite calls informational."""

from __future__ import annotations

import fnmatch
import json
import subprocess
from pathlib import Path

from . import paths

# The suite has no 8 and no 11.
GROUPS = (1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13)

# Counted in the reports of autobahntestsuite 25.10.1: a suite that offers fewer has lost some on the way.
CASES_IN_GROUP = {1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 37, 9: 54, 10: 1, 12: 90, 13: 126}

# permessage-deflate: each case sends a thousand messages, so these two take nearly all of a full run's time.
DEFLATE_GROUPS = frozenset({12, 13})

# Where the suite is the server and takes no offer without `client_no_context_takeover` (`accept2`, `accept5` and
# `accept6` in its case12_x_x.py): a client that offers its best gets UNIMPLEMENTED here, whatever it can do.
SECTIONS_WITHOUT_TAKEOVER = frozenset({"13.2", "13.5", "13.6"})

Plan = dict[int, list[str]]


def group_of(case: str) -> int:
    """Returns the group a case belongs to: 6 for `6.4.1`."""
    return int(case.partition(".")[0])


def order(case: str) -> list[int]:
    """Returns the sort key that puts 1.2.10 behind 1.2.9."""
    return [int(part) for part in case.split(".")]


def plan(index: list[str], globs: list[str]) -> Plan:
    """Returns the cases to run, by group: those that match a glob, or all of the built groups where there is none.

    Raises `ValueError` when a glob matches nothing, or the index holds another number of cases than a group has.
    """
    if globs:
        for glob in globs:
            if not fnmatch.filter(index, glob):
                raise ValueError(f"no case matches {glob!r}")
        chosen = [case for case in index if any(fnmatch.fnmatchcase(case, glob) for glob in globs)]
    else:
        chosen = [case for case in index if group_of(case) in GROUPS]
    groups: Plan = {}
    for case in sorted(chosen, key=order):
        groups.setdefault(group_of(case), []).append(case)
    if not globs:
        for group in GROUPS:
            found = len(groups.get(group, []))
            if found != CASES_IN_GROUP[group]:
                raise ValueError(f"group {group} has {CASES_IN_GROUP[group]} cases, the suite offers {found}")
    return groups


def without_deflate(plan: Plan) -> Plan:
    """Returns the plan without the groups of permessage-deflate."""
    return {group: names for group, names in plan.items() if group not in DEFLATE_GROUPS}


def parts(group: int, names: list[str]) -> dict[str, list[str]]:
    """Returns the cases of a group by the name of the part they are run in.

    That is the whole group, but each section alone (12.1, 12.2, …) of the long ones: a runner says nothing until it has
    run all it was asked for.
    """
    if group not in DEFLATE_GROUPS:
        return {str(group): names}
    sections: dict[str, list[str]] = {}
    for case in names:
        sections.setdefault(section_of(case), []).append(case)
    return sections


def section_of(case: str) -> str:
    """Returns the section a case belongs to: 13.2 for `13.2.1`."""
    return ".".join(case.split(".")[:2])


def client_flags(names: list[str]) -> list[str]:
    """Returns how a client testee is told what these cases need it to offer; they are of one part."""
    needed = any(section_of(case) in SECTIONS_WITHOUT_TAKEOVER for case in names)
    return ["--client-no-context-takeover"] * needed


def index(python: Path) -> list[str]:
    """Returns the name of every case of the suite, asked of the installed runner."""
    program = "import json; from kosoku.cases import CASES; print(json.dumps(list(CASES)))"
    answer = subprocess.run([python, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    return json.loads(answer.stdout)


def informational() -> frozenset[str]:
    """Returns the cases whose verdict the suite itself sets to INFORMATIONAL."""
    lines = (paths.AUTOBAHN / "informational.txt").read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
