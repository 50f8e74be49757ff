"""The verdict on a run: which cases pass, the table, and `summary.json`."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from .cases import Plan, order
from .suite import Verdict, Verdicts

# Stands for the group in a row that counts all of a subject.
ALL = "all"


class Outcome(Enum):
    """What a case counts as in the table."""

    OK = "OK"
    NON_STRICT = "non-strict"
    INFORMATIONAL = "informational"
    UNIMPLEMENTED = "unimplemented"
    FAILED = "failed"

    def passes(self) -> bool:
        """Tells whether a case with this outcome leaves the run green."""
        return self in (Outcome.OK, Outcome.INFORMATIONAL)


@dataclass
class Run:
    """What one subject got from one runner of the suite."""

    subject: str
    suite: str
    plan: Plan
    verdicts: Verdicts = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    # Why the subject could not be run to its end.
    fault: str | None = None


def outcome(case: str, verdict: Verdict | None, informational: frozenset[str]) -> Outcome:
    """Returns what a verdict counts as; `None` is a case that did not run.

    INFORMATIONAL counts only where the suite defines the case as such, and so does nothing else but OK pass.
    """
    match verdict:
        case ("OK", "OK"):
            return Outcome.OK
        case ("OK" | "INFORMATIONAL", "OK" | "INFORMATIONAL") if case in informational:
            return Outcome.INFORMATIONAL
        case ("OK" | "NON-STRICT", "OK" | "NON-STRICT"):
            return Outcome.NON_STRICT
        case ("UNIMPLEMENTED", "OK" | "UNIMPLEMENTED"):
            return Outcome.UNIMPLEMENTED
        case _:
            return Outcome.FAILED


def outcomes(run: Run, informational: frozenset[str]) -> dict[str, Outcome]:
    """Returns what each case of the run counts as: those planned, and any that ran beside the plan, which fail."""
    planned = {case for cases in run.plan.values() for case in cases}
    counted = {case: outcome(case, run.verdicts.get(case), informational) for case in planned}
    counted |= {case: Outcome.FAILED for case in run.verdicts if case not in planned}
    return dict(sorted(counted.items(), key=lambda item: order(item[0])))


@dataclass(frozen=True)
class Row:
    """How many cases of a group, or of all groups, counted as what for one subject."""

    subject: str
    group: str
    counts: Counter[Outcome]
    seconds: float


def rows(run: Run, informational: frozenset[str]) -> list[Row]:
    """Returns one row for each group of the run, and one for all of it."""
    counted = outcomes(run, informational)
    found = []
    for group in sorted({order(case)[0] for case in counted}):
        counts = Counter(kind for case, kind in counted.items() if order(case)[0] == group)
        found.append(Row(run.subject, str(group), counts, run.seconds.get(group, 0.0)))
    return [*found, Row(run.subject, ALL, Counter(counted.values()), sum(run.seconds.values()))]


def table(runs: list[Run], informational: frozenset[str]) -> str:
    """Returns one line for each subject and group, and one for each subject, with counts and wall time."""
    width = max(len(run.subject) for run in runs)
    lines = [f"{'subject':{width}}  group  cases" + "".join(f"  {kind.value:>13}" for kind in Outcome) + "  seconds"]
    for row in [row for run in runs for row in rows(run, informational)]:
        cells = "".join(f"  {row.counts[kind]:13}" for kind in Outcome)
        lines.append(f"{row.subject:{width}}  {row.group:>5}  {row.counts.total():5}{cells}  {row.seconds:7.1f}")
    return "\n".join(lines)


def complaints(runs: list[Run], informational: frozenset[str]) -> list[str]:
    """Returns one text for each kind of verdict that does not pass, with its cases, and one for each fault."""
    faults = [f"{run.subject}: {run.fault}" for run in runs if run.fault]
    return faults + verdicts_that_fail(runs, informational)


def verdicts_that_fail(runs: list[Run], informational: frozenset[str]) -> list[str]:
    """Returns one text for each subject and kind of verdict that does not pass, with its cases."""
    found = []
    for run in runs:
        by_verdict: dict[str, list[str]] = {}
        for case, kind in outcomes(run, informational).items():
            if not kind.passes():
                by_verdict.setdefault(_words(run.verdicts.get(case)), []).append(case)
        found += [f"{run.subject}: {words}: {' '.join(names)}" for words, names in by_verdict.items()]
    return found


def left_out(runs: list[Run], plan: Plan) -> str | None:
    """Returns which groups of the plan some subjects were not asked to run; `None` where all ran all of them."""
    skipped: dict[str, list[int]] = {}
    for run in runs:
        if groups := [group for group in plan if group not in run.plan]:
            skipped[run.subject] = groups
    if not skipped:
        return None
    cases = sum(len(plan[group]) for groups in skipped.values() for group in groups)
    names = "; ".join(f"{subject} {', '.join(map(str, groups))}" for subject, groups in skipped.items())
    return f"left out, {cases} cases: groups of {names}"


def disagreements(one: Run, other: Run) -> list[str]:
    """Returns one text for each case in which two runners of the suite disagree about the same subject."""
    cases = sorted(one.verdicts.keys() | other.verdicts.keys(), key=order)
    return [
        f"{one.subject} {case}: {one.suite} says {_words(one.verdicts.get(case))},"
        f" {other.suite} says {_words(other.verdicts.get(case))}"
        for case in cases
        if one.verdicts.get(case) != other.verdicts.get(case)
    ]


def passed(runs: list[Run], informational: frozenset[str]) -> Counter[bool]:
    """Returns how many cases passed (`True`) and how many did not (`False`), over all runs."""
    return Counter(kind.passes() for run in runs for kind in outcomes(run, informational).values())


def write_summary(runs: list[Run], file: Path) -> None:
    """Writes subject → case → [behavior, behaviorClose] of the cases that ran, one case a line."""
    summary = {
        run.subject: {case: run.verdicts[case] for case in sorted(run.verdicts, key=order)} for run in runs
    }
    blocks = []
    for subject, verdicts in summary.items():
        rows = ",\n".join(f"    {json.dumps(case)}: {json.dumps(verdict)}" for case, verdict in verdicts.items())
        blocks.append(f"  {json.dumps(subject)}: {{\n{rows}\n  }}" if rows else f"  {json.dumps(subject)}: {{}}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{\n" + ",\n".join(blocks) + "\n}\n")


def _words(verdict: Verdict | None) -> str:
    return "did not run" if verdict is None else f"{verdict[0]}, closing {verdict[1]}"
