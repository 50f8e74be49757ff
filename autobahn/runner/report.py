"""The verdict on a run: which cases pass, the table, and `summary.json`."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from .cases import Plan, order
from .suite import Verdict, Verdicts


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


def table(runs: list[Run], informational: frozenset[str]) -> str:
    """Returns one line for each subject and group, and one for each subject, with counts and wall time."""
    width = max(len(run.subject) for run in runs)
    lines = [f"{'subject':{width}}  group  cases" + "".join(f"  {kind.value:>13}" for kind in Outcome) + "  seconds"]

    def line(subject: str, group: str, counts: Counter[Outcome], seconds: float) -> str:
        cells = "".join(f"  {counts[kind]:13}" for kind in Outcome)
        return f"{subject:{width}}  {group:>5}  {counts.total():5}{cells}  {seconds:7.1f}"

    for run in runs:
        counted = outcomes(run, informational)
        for group in sorted({order(case)[0] for case in counted}):
            counts = Counter(kind for case, kind in counted.items() if order(case)[0] == group)
            lines.append(line(run.subject, str(group), counts, run.seconds.get(group, 0.0)))
        lines.append(line(run.subject, "all", Counter(counted.values()), sum(run.seconds.values())))
    return "\n".join(lines)


def complaints(runs: list[Run], informational: frozenset[str]) -> list[str]:
    """Returns one text for each kind of verdict that does not pass, with its cases, and one for each fault."""
    found = []
    for run in runs:
        if run.fault:
            found.append(f"{run.subject}: {run.fault}")
        by_verdict: dict[str, list[str]] = {}
        for case, kind in outcomes(run, informational).items():
            if not kind.passes():
                by_verdict.setdefault(_words(run.verdicts.get(case)), []).append(case)
        found += [f"{run.subject}: {words}: {' '.join(names)}" for words, names in by_verdict.items()]
    return found


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
