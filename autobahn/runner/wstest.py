"""The reference: the original suite's `wstest`, on Python 2.7."""

from __future__ import annotations

import json
from pathlib import Path

from .process import Process
from .suite import START_SECONDS, Verdicts, read_index, run_client, seconds_for


class Wstest:
    """Runs the suite by wstest."""

    name = "wstest"

    def __init__(self, python: Path) -> None:
        """Takes the Python 2.7 that has autobahntestsuite installed."""
        self._python = python

    def against_server(self, url: str, testee: Process, cases: list[str], out: Path) -> Verdicts:
        """Runs the cases against the listening testee and returns what each one got."""
        servers = {"servers": [{"url": url, "agent": testee.name}]}
        with self._start("fuzzingclient", servers, cases, out) as suite:
            suite.wait(seconds_for(cases), needs=testee)
            return self._verdicts(suite, out)

    def against_client(self, program: Path, agent: str, cases: list[str], out: Path) -> Verdicts:
        """Runs the cases with the testee as the client and returns what each one got."""
        # The port is replaced by a free one: see `wstest_on_loopback.py`.
        with self._start("fuzzingserver", {"url": "ws://127.0.0.1:9001"}, cases, out) as suite:
            url = suite.announced_url(START_SECONDS)
            run_client(program, agent, url, out / "testee", cases)
            # It writes the report before it answers `updateReports`, and listens on: leaving the block ends it.
            return self._verdicts(suite, out)

    def _start(self, mode: str, peer: dict[str, object], cases: list[str], out: Path) -> Process:
        out.mkdir(parents=True, exist_ok=True)
        specification = out / "specification.json"
        chosen = {"outdir": str(out), "cases": cases, "exclude-cases": [], "exclude-agent-cases": {}}
        specification.write_text(json.dumps(peer | chosen))
        launcher = Path(__file__).with_name("wstest_on_loopback.py")
        # `-u 0`: no web server beside the suite.
        command = [self._python, "-B", launcher, "-m", mode, "-u", "0", "-s", specification]
        return Process("wstest", command, out / "suite")

    def _verdicts(self, suite: Process, out: Path) -> Verdicts:
        verdicts = read_index(out)
        if not verdicts:
            suite.must_run()
        return verdicts
