"""Installs the two runners of the suite into `autobahn/.env`, once for each set of pinned versions."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import paths

# The last virtualenv that runs on Python 2.7.
VIRTUALENV = "virtualenv==20.15.1"
STEP_SECONDS = 600


class InstallFault(Exception):
    """A runner could not be installed; the text says what is missing."""


def kosoku() -> Path:
    """Returns the Python that has kosoku, after installing it where it is not there yet."""
    where = paths.ENVIRONMENTS / "kosoku"
    pins = paths.AUTOBAHN / "requirements.txt"
    with _locked():
        if not _is_installed(where, pins):
            _run([sys.executable, "-m", "venv", where])
            _run([where / "bin" / "python", "-m", "pip", "install", "--quiet", "-r", pins])
            _mark_installed(where, pins)
    return where / "bin" / "python"


def reference() -> Path:
    """Returns the Python 2.7 that has the original suite, after installing it where it is not there yet."""
    where = paths.ENVIRONMENTS / "reference"
    pins = paths.AUTOBAHN / "reference-requirements.txt"
    with _locked():
        if not _is_installed(where, pins):
            python = _python27()
            bootstrap = where.with_name("reference-bootstrap")
            _run([python, "-m", "pip", "install", "--quiet", "--target", bootstrap, VIRTUALENV])
            _run([python, "-m", "virtualenv", "--quiet", where], PYTHONPATH=str(bootstrap))
            _run([where / "bin" / "python", "-m", "pip", "install", "--quiet", "-r", pins])
            _mark_installed(where, pins)
            shutil.rmtree(bootstrap)
    return where / "bin" / "python"


def _python27() -> Path:
    """Returns a Python 2.7 that has pip: one of pyenv's, or the one on the path."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = sorted(root.glob("versions/2.7.*/bin/python"), reverse=True)
    on_path = shutil.which("python2.7")
    if on_path:
        candidates.append(Path(on_path))
    for python in candidates:
        if subprocess.run([python, "-m", "pip", "--version"], capture_output=True, timeout=60).returncode == 0:
            return python
    raise InstallFault(
        "--reference runs the original suite, which needs Python 2.7 with pip; neither pyenv nor the path has one"
        " (`pyenv install 2.7.18` brings one)"
    )


def _is_installed(where: Path, pins: Path) -> bool:
    """Tells whether these versions are there; what an interrupted or older installation left is removed."""
    stamp = where / ".installed"
    if stamp.is_file() and stamp.read_text() == _stamp(where, pins) and (where / "bin" / "python").exists():
        return True
    shutil.rmtree(where, ignore_errors=True)
    return False


def _mark_installed(where: Path, pins: Path) -> None:
    (where / ".installed").write_text(_stamp(where, pins))


def _stamp(where: Path, pins: Path) -> str:
    # A virtual environment does not survive being moved, so its place is part of what was installed.
    return f"{where}\n{pins.read_text()}"


def _run(command: list[str | Path], **environment: str) -> None:
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=STEP_SECONDS
    )
    if done.returncode != 0:
        words = " ".join(str(part) for part in command)
        raise InstallFault(f"`{words}` ended with exit code {done.returncode}:\n{done.stderr.strip()[-2000:]}")


@contextmanager
def _locked() -> Iterator[None]:
    """Keeps two runs from installing at the same time."""
    paths.ENVIRONMENTS.mkdir(exist_ok=True)
    deadline = time.monotonic() + STEP_SECONDS
    with (paths.ENVIRONMENTS / "lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise InstallFault("another run has been installing for ten minutes") from None
                time.sleep(0.2)
        yield
