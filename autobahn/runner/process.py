"""A child process whose output is kept, whose waits are bounded, and which is ended by its own id."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from types import TracebackType

GRACE = 5.0
TAIL_LINES = 15


class ProcessFault(Exception):
    """A process died, or did not do in time what it was started for; the text holds the tail of what it said."""


class Process:
    """A running command; leaving its `with` block ends it."""

    def __init__(self, name: str, command: list[str | Path], log: Path) -> None:
        """Starts the command, with standard output in `log`.out and standard error in `log`.err."""
        self.name = name
        log.parent.mkdir(parents=True, exist_ok=True)
        self._out = log.with_name(log.name + ".out")
        self._err = log.with_name(log.name + ".err")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Ends the process: asks first, and kills it when it stays."""
        if self._child.poll() is not None:
            return
        self._child.terminate()
        try:
            self._child.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(GRACE)

    def exit_code(self) -> int | None:
        """Returns the exit code, or `None` while the process runs."""
        return self._child.poll()

    def wait(self, seconds: float, needs: Process | None = None) -> int:
        """Waits for the end and returns the exit code; `needs` is another process that has to live meanwhile.

        Raises `ProcessFault` when the time is over, or when the other process ended first.
        """
        deadline = time.monotonic() + seconds
        while (code := self.exit_code()) is None:
            if needs is not None:
                needs.must_run()
            if time.monotonic() > deadline:
                raise ProcessFault(f"{self.name} did not end within {seconds:.0f} s{self.tail()}")
            time.sleep(0.02)
        return code

    def announced_url(self, seconds: float) -> str:
        """Waits for the line `listening on ws://ADDR:PORT` on either output and returns its URL.

        Raises `ProcessFault` when the process ends or the time is over before that line.
        """
        deadline = time.monotonic() + seconds
        while True:
            for file in (self._out, self._err):
                found = re.search(r"listening on (ws://[0-9.]+:[1-9][0-9]*)\s", file.read_text(errors="replace"))
                if found:
                    return found[1]
            self.must_run()
            if time.monotonic() > deadline:
                raise ProcessFault(f"{self.name} printed no `listening on` within {seconds:.0f} s{self.tail()}")
            time.sleep(0.02)

    def must_run(self) -> None:
        """Raises `ProcessFault` with the exit code and the last words when the process has ended."""
        if (code := self.exit_code()) is not None:
            raise ProcessFault(f"{self.name} ended with {ending(code)}{self.tail()}")

    def tail(self) -> str:
        """Returns the last lines of standard error, of standard output where there are none, indented."""
        for file in (self._err, self._out):
            lines = file.read_text(errors="replace").splitlines()[-TAIL_LINES:]
            if lines:
                return "; it said last:\n" + "\n".join("    " + line for line in lines)
        return "; it said nothing"


def ending(code: int) -> str:
    """Returns an exit code in words."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"
