"""Where the runner finds and puts its files."""

from __future__ import annotations

from pathlib import Path

AUTOBAHN = Path(__file__).resolve().parent.parent
ROOT = AUTOBAHN.parent
ENVIRONMENTS = AUTOBAHN / ".env"
REPORT = AUTOBAHN / "report"
SUMMARY = REPORT / "summary.json"
