# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/docsite/rst/causes.rst from the engine's table of causes: run it after a change there.

A test compares the two. PYTHONPATH must lead to the collection, as for the tests: `make causes` sees to it.
With the folder of a built site: sees that every hint's link leads to an anchor there.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator, List

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.explain import CAUSES, Cause, hint_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.model import STAGES

PAGE = Path(__file__).resolve().parent.parent / "docs/docsite/rst/causes.rst"
GALAXY = (PAGE.parents[3] / "galaxy.yml").read_text(encoding="utf-8")
SITE = re.findall(r"^documentation: (\S+)$", GALAXY, re.MULTILINE)[0]
LABEL = "ansible_collections.postmaster.mailcheck.docsite."
VERDICTS = {
    "unreachable": "unreachable: no octet came from the service",
    "failed": "failed",
    "deferred": "deferred: refused for now",
    "not_checked": "not_checked: it was never tried",
}
HEAD = """.. Written by tools/causes.py: change plugins/module_utils/smtp/explain.py, then run `make causes`.

.. _{label}causes:

What went wrong, and what to do
===============================

Whatever does not pass has one *cause*, a word of a closed list, in ``failure.cause``. It comes with the stage at which
the check ended, the relay's own words where it spoke, what they mean, and a next step. The command
``mailcheck explain relay_denied`` shows what this page says.

A cause that may go away by itself is tried again where ``retry_for`` asks for it. A refusal with a code from 400 to 499
makes the verdict ``deferred``, whatever the cause.

.. contents::
   :local:
   :depth: 1
"""
SECTION = """
{title}
{line}
"""
ENTRY = """
.. _{label}cause_{name}:

{name}
{line}

{cause.explanation}

:What to do: {hint}
:Verdict: {verdict}
:Stages: {stages}
:Tried again: {retried}
"""


def page() -> str:
    text = HEAD.format(label=LABEL)
    for stage in (*STAGES, "any"):
        names = [name for name, cause in CAUSES.items() if cause.stages.split()[0] == stage]
        if names:
            title = "At any stage" if stage == "any" else "Stage ``%s``" % stage
            text += SECTION.format(title=title, line="-" * len(title))
            text += "".join(entry(name, CAUSES[name]) for name in names)
    return text


def entry(name: str, cause: Cause) -> str:
    retried = cause.retried or cause.verdict in ("unreachable", "deferred")
    return ENTRY.format(
        label=LABEL,
        name=name,
        line="^" * len(name),
        cause=cause,
        hint="\n    ".join(wrapped(cause.hint.format(host="HOST", port="PORT").replace("`", "``"))),
        verdict=VERDICTS[cause.verdict],
        stages=", ".join(cause.stages.split()),
        retried="yes, with ``retry_for``" if retried else "no",
    )


def wrapped(text: str) -> Iterator[str]:
    line: List[str] = []
    for word in text.split():
        if len(" ".join([*line, word])) > 100:
            yield " ".join(line)
            line = []
        line.append(word)
    yield " ".join(line)


def dead_links(site: Path) -> List[str]:
    """The links of hints for which a built site has no anchor."""
    links = [hint_of(name, "HOST", "PORT").rpartition(SITE)[2] for name in CAUSES]
    parts = [link.partition("#") for link in links]
    texts = {file: (site / file).read_text(encoding="utf-8") for file in {file for file, _hash, _anchor in parts}}
    return [SITE + link for link, (file, _hash, anchor) in zip(links, parts) if 'id="%s"' % anchor not in texts[file]]


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit("\n".join(dead_links(Path(sys.argv[1]))) or 0)
    PAGE.write_text(page(), encoding="utf-8")
