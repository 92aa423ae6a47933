# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make test` closes with: a line for each session of nox's report, and how many passed, failed and were skipped.

A line has the outcome, the seconds, and what the session saw (`saw` in noxfile.py), or why it did not pass. Where it
said neither: what it is there for, from the list of sessions on standard input (`nox --list --json`).
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

OUTCOMES = {"success": "passed", "failed": "failed", "aborted": "failed", "skipped": "skipped"}


def main(report: Path) -> None:
    sessions = json.loads(report.read_text(encoding="utf-8"))["sessions"]
    purposes = {session["session"]: session["description"] for session in json.load(sys.stdin)}
    counts: Counter[str] = Counter()
    print("\nall gates (%.0f s)" % sum(session["duration"] for session in sessions))
    for session in sessions:
        name = (session["signatures"] or [session["name"]])[0]
        outcome = OUTCOMES[session["result"]]
        counts[outcome] += 1
        line = report.parent / "saw" / name
        seen = line.read_text(encoding="utf-8") if outcome == "passed" and line.exists() else ""
        text = session["reason"] or seen or purposes.get(name, "")
        print("%-7s %-20s %6.1f s  %s" % (outcome, name, session["duration"], text))
    print("gates: %d passed, %d failed, %d skipped" % (counts["passed"], counts["failed"], counts["skipped"]))


if __name__ == "__main__":
    if not Path(sys.argv[1]).exists():
        sys.exit("nox wrote no report: its own words are above.")
    main(Path(sys.argv[1]))
