"""The quick runner: the suite's own case files under kosoku, a reimplementation of its engine."""

from __future__ import annotations

from pathlib import Path

from .process import Process
from .suite import START_SECONDS, Verdicts, read_index, run_client, seconds_for

# Most slow cases only wait, so four at once finish in a third of the time on two cores.
PARALLEL = 4


class Kosoku:
    """Runs the suite by kosoku."""

    name = "kosoku"

    def __init__(self, python: Path) -> None:
        """Takes the Python that has kosoku installed."""
        self._program = python.with_name("kosoku")

    def against_server(self, url: str, testee: Process, cases: list[str], out: Path) -> Verdicts:
        """Runs the cases against the listening testee and returns what each one got."""
        address = url.removeprefix("ws://")
        command = self._command("fuzzingclient", address, cases, out) + ["-p", str(PARALLEL)]
        with Process("kosoku", command, out / "suite") as suite:
            # The exit code is no verdict here: it calls NON-STRICT a success.
            suite.wait(seconds_for(cases), needs=testee)
            return self._verdicts(suite, out)

    def against_client(self, program: Path, agent: str, cases: list[str], out: Path) -> Verdicts:
        """Runs the cases with the testee as the client and returns what each one got."""
        command = self._command("fuzzingserver", "127.0.0.1:0", cases, out)
        with Process("kosoku", command, out / "suite") as suite:
            url = suite.announced_url(START_SECONDS)
            run_client(program, agent, url, out / "testee", cases)
            suite.wait(START_SECONDS)
            return self._verdicts(suite, out)

    def _command(self, mode: str, address: str, cases: list[str], out: Path) -> list[str | Path]:
        chosen = [part for case in cases for part in ("-i", case)]
        return [self._program, address, "-m", mode, "-o", out, *chosen]

    def _verdicts(self, suite: Process, out: Path) -> Verdicts:
        verdicts = read_index(out)
        if not verdicts:
            suite.must_run()
        return verdicts
