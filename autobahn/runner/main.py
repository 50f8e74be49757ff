"""The command: what it takes, and the order in which it installs, builds, runs and judges."""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from . import cases, install, paths, progress, report, subjects, summary
from .kosoku import Kosoku
from .process import Process, ProcessFault
from .report import Run
from .subjects import Role, Subject
from .suite import START_SECONDS, Suite, Verdicts
from .wstest import Wstest

USAGE_FAULT = 2


def main(arguments: list[str]) -> int:
    """Runs the command and returns its exit code: 0 when every case passes, 1 when one does not, 2 for bad use."""
    started = time.monotonic()
    options = _parser().parse_args(arguments)
    try:
        chosen = subjects.named(options.subject)
        compressing = _compressing(options.deflate_for, chosen)
        progress.show("installing the suite")
        python = install.kosoku()
        plan = cases.plan(cases.index(python), options.cases)
        # As of the start, which is what is built and run.
        today = datetime.now(timezone.utc).date()
        versions = summary.versions(options.reference) if options.summary else []
        suites: list[Suite] = [Kosoku(python)]
        if options.reference:
            suites.append(Wstest(install.reference()))
        # Cargo shows its own progress, on lines of its own.
        progress.clear()
        print("building the testees", flush=True)
        programs = subjects.build()
    except (ValueError, OSError, install.InstallFault, subjects.BuildFault, subprocess.SubprocessError) as fault:
        progress.clear()
        print(f"autobahn/run: {fault}", file=sys.stderr)
        return USAGE_FAULT
    plans = {
        subject.name: plan if subject in compressing else cases.without_deflate(plan) for subject in chosen
    }
    by_suite = [
        [_run(suite, subject, programs[subject.name], plans[subject.name]) for subject in chosen] for suite in suites
    ]
    progress.clear()
    seconds = time.monotonic() - started
    if options.summary:
        facts = summary.Facts(today, _command(options), versions, seconds)
        options.summary.write_text(summary.text(facts, by_suite, cases.informational(), plan))
    return _judge(by_suite, plan, seconds)


def _compressing(names: list[str] | None, chosen: list[Subject]) -> list[Subject]:
    """Returns the subjects that are to take the groups of permessage-deflate: all, where none is named.

    Raises `ValueError` for a name that is no subject of this run.
    """
    if not names:
        return chosen
    compressing = subjects.named(names)
    for subject in compressing:
        if subject not in chosen:
            raise ValueError(f"--deflate-for {subject.name}, which is not among the subjects of this run")
    return compressing


def _command(options: argparse.Namespace) -> str:
    """Returns the command that ran, without where its summary goes, which may be a path of this machine."""
    words = ["autobahn/run", *options.subject]
    for flag, values in [("--cases", options.cases), ("--deflate-for", options.deflate_for)]:
        words += [word for value in values for word in (flag, value)]
    return shlex.join(words + ["--reference"] * options.reference)


def _run(suite: Suite, subject: Subject, program: Path, plan: cases.Plan) -> Run:
    """Runs the whole plan against one subject; a fault ends it and is kept in the result."""
    out = paths.REPORT / suite.name / subject.name
    shutil.rmtree(out, ignore_errors=True)
    run = Run(subject.name, suite.name, plan)
    try:
        match subject.role:
            case Role.SERVER:
                with Process(subject.name, [program, "--listen", "127.0.0.1:0"], out / "testee") as testee:
                    url = testee.announced_url(START_SECONDS)
                    _run_groups(run, lambda names, where: suite.against_server(url, testee, names, where), out)
                    testee.must_run()
            case Role.CLIENT:
                _run_groups(run, lambda names, where: suite.against_client(program, subject.name, names, where), out)
    except ProcessFault as fault:
        run.fault = str(fault)
    return run


def _run_groups(run: Run, cases_of: Callable[[list[str], Path], Verdicts], out: Path) -> None:
    # Part by part: a run that has to be ended leaves no report, and so costs one part only.
    for group, names in run.plan.items():
        started = time.monotonic()
        for name, part in cases.parts(group, names).items():
            progress.show(f"{run.suite}: {run.subject}, group {name}, {len(part)} cases")
            try:
                run.verdicts |= cases_of(part, out / f"group-{name}")
            finally:
                run.seconds[group] = time.monotonic() - started


def _judge(by_suite: list[list[Run]], plan: cases.Plan, seconds: float) -> int:
    """Prints the tables and what is wrong, writes `summary.json`, and returns the exit code."""
    informational = cases.informational()
    complaints: list[str] = []
    for runs in by_suite:
        print(f"\n{runs[0].suite}\n{report.table(runs, informational)}")
        complaints += [f"{runs[0].suite}: {text}" for text in report.complaints(runs, informational)]
    for others in by_suite[1:]:
        for one, other in zip(by_suite[0], others, strict=True):
            complaints += [f"disagreement: {text}" for text in report.disagreements(one, other)]
    report.write_summary(by_suite[-1], paths.SUMMARY)
    if complaints:
        print("\n" + "\n".join(complaints))
    counts = report.passed([run for runs in by_suite for run in runs], informational)
    if skipped := report.left_out(by_suite[0], plan):
        print(f"\n{skipped}")
    print(f"\nreports are under {paths.REPORT.relative_to(paths.ROOT)}, wall time {seconds:.0f} s")
    print(f"{counts[True]} passed, {counts[False]} failed")
    return 1 if complaints else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autobahn/run",
        description="Runs the Autobahn TestSuite against tidewire's testees and fails unless every case is OK, or"
        " INFORMATIONAL where the suite defines it so.",
        epilog="Exit code: 0 all cases pass, 1 some do not, 2 nothing could be run. autobahn/README.md says more.",
    )
    names = ", ".join(subject.name for subject in subjects.ALL)
    parser.add_argument("subject", nargs="*", metavar="SUBJECT", help=f"{names}; all four when none is named")
    parser.add_argument(
        "--cases",
        action="append",
        default=[],
        metavar="GLOB",
        help="run the cases that match, such as '6.4.*' or 12.1.1, instead of every group that is built (repeatable)",
    )
    parser.add_argument(
        "--deflate-for",
        action="append",
        default=[],
        metavar="SUBJECT",
        help="run groups 12 and 13, permessage-deflate, which take minutes, for this subject only (repeatable)",
    )
    parser.add_argument(
        "--summary",
        type=Path,
        metavar="FILE",
        help="write the counts, with versions, date and command, to this file as Markdown",
    )
    parser.add_argument(
        "--reference",
        action="store_true",
        help="run the original suite (on Python 2.7) as well, and fail where the two disagree",
    )
    return parser
