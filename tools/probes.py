# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/docsite/rst/probes.rst from the register of an audit's probes: run it after a change there.

A test compares the two. PYTHONPATH must lead to the collection, as for the tests: `make probes` sees to it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.report import listed
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import counted

PAGE = Path(__file__).resolve().parent.parent / "docs/docsite/rst/probes.rst"
HEAD = """.. Written by tools/probes.py: change plugins/module_utils/_audit/probes/, then run `make probes`.

.. _ansible_collections.postmaster.mailcheck.docsite.probes:

What an audit asks
==================

The probes of :ansplugin:`postmaster.mailcheck.smtp_audit#module`, in the order in which they are made, and what each
comes to at most. ``mailcheck audit --list`` shows the same.
"""
ENTRY = """
{name}
{line}

{question}

:Intensity: {intensity}
:Severity: {severity}, unless a finding says otherwise
:Source: {source}
:Comes to: {cost}
:Needs: {needs}{proof}{left_to}
:It means: {meaning}
:What to do: {remedy}
"""
LEFT = "\n:Left to: {left_to}, whose answers the filter ``with_sslyze`` adds"


def page() -> str:
    return HEAD + "".join(map(entry, listed()))


def entry(probe: Dict[str, Any]) -> str:
    needs = _needs(probe) or "nothing"
    remedy = probe["remedy"].replace("`", "``")
    proof = probe["proof"] and "\n:Proof by message: with %s; %s more" % (_needs(probe["proof"]), _cost(probe["proof"]))
    made = {
        "line": "-" * len(probe["name"]),
        "needs": needs,
        "remedy": remedy,
        "cost": _cost(probe),
        "proof": proof or "",
        "left_to": LEFT.format(**probe) if probe["left_to"] else "",
    }
    return ENTRY.format(**{**probe, **made})


def _needs(one: Dict[str, Any]) -> str:
    return ", ".join("``%s``" % option for option in one["needs"])


def _cost(one: Dict[str, Any]) -> str:
    return ", ".join(counted(one[name + "s"], name) for name in ("connection", "error", "message"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
