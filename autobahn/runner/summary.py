"""The summary of a run that can be committed: what ran, with which versions, and the counts."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import date

from . import paths, report
from .cases import Plan
from .report import Outcome, Run

SECONDS_OF_GIT = 60


@dataclass(frozen=True)
class Facts:
    """What a reader needs to repeat the run."""

    date: date
    command: str
    versions: list[str]
    seconds: float


def versions(with_reference: bool) -> list[str]:
    """Returns what runs, as git, rustc and the files of requirements say."""
    names = [_tidewire(), _answer("rustc", "--version"), _pinned("requirements.txt", "kosoku")]
    if with_reference:
        names.append(_pinned("reference-requirements.txt", "autobahntestsuite"))
    return names


def text(facts: Facts, by_suite: list[list[Run]], informational: frozenset[str], plan: Plan) -> str:
    """Returns the summary as Markdown."""
    counts = report.passed([run for runs in by_suite for run in runs], informational)
    lines = [
        "# Autobahn TestSuite: summary of a run",
        "",
        "Written by `autobahn/run --summary FILE`; `README.md` says what the columns count.",
        "",
        f"- date: {facts.date} (UTC)",
        f"- command: `{facts.command}`",
        f"- versions: {', '.join(facts.versions)}",
        f"- wall time: {facts.seconds:.0f} s",
        f"- **{counts[True]} passed, {counts[False]} failed**",
    ]
    if skipped := report.left_out(by_suite[0], plan):
        lines.append(f"- {skipped}")
    for runs in by_suite:
        lines += ["", f"## {runs[0].suite}", "", *_table(runs, informational)]
        # What a process said last, in `fault`, may hold paths of the machine.
        lines += [f"\n{run.subject} was ended early." for run in runs if run.fault]
        lines += [f"\n{words}" for words in report.verdicts_that_fail(runs, informational)]
    for others in by_suite[1:]:
        for one, other in zip(by_suite[0], others, strict=True):
            lines += [f"\ndisagreement: {words}" for words in report.disagreements(one, other)]
    return "\n".join(lines) + "\n"


def _table(runs: list[Run], informational: frozenset[str]) -> list[str]:
    head = ["subject", "group", "cases", *(kind.value for kind in Outcome)]
    lines = [_row(head), _row(["---", *["--:"] * (len(head) - 1)])]
    for row in [row for run in runs for row in report.rows(run, informational)]:
        numbers = [row.counts.total(), *(row.counts[kind] for kind in Outcome)]
        cells = [row.subject, row.group, *map(str, numbers)]
        lines.append(_row([f"**{cell}**" for cell in cells] if row.group == report.ALL else cells))
    return lines


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _tidewire() -> str:
    """Returns the commit, and whether what was built is more than that."""
    changed = " with changes" if _answer("git", "status", "--porcelain") else ""
    return f"tidewire {_answer('git', 'rev-parse', '--short=12', 'HEAD')}{changed}"


def _pinned(file: str, package: str) -> str:
    """Returns the version of a package that a file of requirements pins: the one that is installed."""
    for line in (paths.AUTOBAHN / file).read_text().splitlines():
        name, _, version = line.partition("==")
        if name == package:
            return f"{package} {version}"
    raise ValueError(f"{file} pins no {package}")


def _answer(*command: str) -> str:
    answer = subprocess.run(
        command, cwd=paths.ROOT, check=True, capture_output=True, text=True, timeout=SECONDS_OF_GIT
    )
    return answer.stdout.strip()
