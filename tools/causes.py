# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/docsite/rst/causes.rst from the table of causes and what servers say: run it after a change there.

A test compares the two. PYTHONPATH must lead to the collection, as for the tests: `make causes` sees to it.
With the folder of a built site: sees that every cause has its anchor there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator, List, Optional

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.model import STAGES as MAILBOX_STAGES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import STAGES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import (
    CAUSES,
    CAUSES_PAGE,
    Cause,
    Failure,
    anchor_of,
    hint_of,
    in_playbook,
    may_pass_later,
)
from ansible_collections.postmaster.mailcheck.tests.support.refusals import REFUSALS

PAGE = Path(__file__).resolve().parent.parent / "docs/docsite/rst/causes.rst"
LABEL = "ansible_collections.postmaster.mailcheck.docsite."
VERDICTS = {
    "unreachable": "unreachable: no octet came from the service",
    "failed": "failed",
    "deferred": "deferred: refused for now",
    "not_checked": "not_checked: nothing is known",
}
HEAD = """.. Written by tools/causes.py: change plugins/module_utils/_verdicts/causes.py, then run `make causes`.

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
{examples}"""
# Of what servers say for a cause, so much is shown.
EXAMPLES = 4


def page() -> str:
    text = HEAD.format(label=LABEL)
    for stage in (*STAGES, *MAILBOX_STAGES, "any"):
        names = [name for name, cause in CAUSES.items() if cause.stages.split()[0] == stage]
        if names:
            title = "At any stage" if stage == "any" else "Stage ``%s``" % stage
            text += SECTION.format(title=title, line="-" * len(title))
            text += "".join(entry(name, CAUSES[name]) for name in names)
    return text


def entry(name: str, cause: Cause) -> str:
    retried = may_pass_later(Failure(cause.stages, name))
    return ENTRY.format(
        label=LABEL,
        name=name,
        line="^" * len(name),
        cause=cause,
        hint="\n    ".join(wrapped(hint_of(name, "HOST", "PORT", marked_up).replace("`", "``"))),
        verdict=VERDICTS[cause.verdict],
        stages=", ".join(cause.stages.split()),
        retried="yes, with ``retry_for``" if retried else "no",
        examples=examples(name),
    )


def marked_up(option: str, value: Optional[str]) -> str:
    return "`%s`" % in_playbook(option, value)


def examples(name: str) -> str:
    """What servers say, as a block of literal text; nothing for what no reply tells."""
    said = [text.replace("\r\n", "\n") for rows in REFUSALS.values() for text, cause in rows if cause == name]
    if not said:
        return ""
    lines = "\n".join(dict.fromkeys(said[:EXAMPLES])).splitlines()
    return "\nRelays say, for example::\n\n%s\n" % "\n".join("    " + line for line in lines)


def wrapped(text: str) -> Iterator[str]:
    line: List[str] = []
    for word in text.split():
        if len(" ".join([*line, word])) > 100:
            yield " ".join(line)
            line = []
        line.append(word)
    yield " ".join(line)


def dead_links(site: Path) -> List[str]:
    """The causes for which a built site has no anchor."""
    text = (site / CAUSES_PAGE).read_text(encoding="utf-8")
    return [name for name in CAUSES if 'id="%s"' % anchor_of(name) not in text]


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit("\n".join(dead_links(Path(sys.argv[1]))) or 0)
    PAGE.write_text(page(), encoding="utf-8")
