# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# GitHub's Markdown: summary, findings, what was not judged, changes since the last run, waivers, relays, domains and
# what is advised to publish, mailboxes, and the evidence: who looked, by what, and what was said behind a finding.

from __future__ import annotations

import functools
import html
import re
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import printable
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import findings, not_judged
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.json import digest
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.templates import load_template
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.words import encodable
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import CHECK, VERDICTS, in_words, kinds

if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Tuple

    import jinja2

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment

_MAX_DIALOGUES = 50
_MARKUP = re.compile(r"([\\`*_\[\]|~])")
# What GitHub makes a link, a mention or a reference of, though no markup says so; a comment within keeps it from that.
_LINKED = re.compile(r"(@|#|:(?=//)|\bwww(?=\.))", re.IGNORECASE)


def as_markdown(assessment: Assessment) -> str:
    """A page for merge requests and tickets."""
    rows = assessment["endpoints"]
    lists = {
        "findings": list(findings(assessment)),
        "not_judged": list(not_judged(assessment)),
        "evidence": assessment.get("evidence"),
        "dialogues": _dialogues(assessment),
        "digest": digest(assessment),
        "kinds": {kind: [row for row in rows if row["subject"]["kind"] == kind] for kind in kinds(rows)},
    }
    text = _template().render(verdicts=VERDICTS, in_words=in_words(rows, " or "), **{**assessment, **lists})
    return encodable(text)


@functools.lru_cache(maxsize=None)
def _template() -> jinja2.Template:
    return load_template("report.md.j2", autoescape=False, markdown=_escaped, said=_said, versions=_versions)


def _dialogues(assessment: Assessment) -> List[Dict[str, Any]]:
    """What was said behind each finding: on connections of the rule's own, else on that of the check."""
    transcripts = {row["id"]: row["transcript"] for row in assessment["endpoints"]}
    found: Dict[Tuple[str, str], Any] = {}
    for one in findings(assessment):
        own, whole = one.get("dialogues"), transcripts.get(one["endpoint"])
        if own or whole:
            found.setdefault((one["endpoint"], one["rule"] if own else CHECK), own or [whole])
    return [
        {"endpoint": endpoint, "rule": rule, "dialogues": dialogues}
        for (endpoint, rule), dialogues in list(found.items())[:_MAX_DIALOGUES]
    ]


def _said(entry: Mapping[str, Any]) -> str:
    """One entry of a transcript as lines inside `<pre>`, where escaped text is no markup, whatever it says."""
    head = "%7.3f %s %s " % (entry["at"], "TLS" if entry["tls"] else "   ", ">" if entry["from"] == "client" else "<")
    return "\n".join(html.escape(head + printable(line), quote=False) for line in entry["text"].split("\n"))


def _versions(observer: Mapping[str, Any]) -> str:
    named = (("mailcheck", "version"), ("Python", "python"), ("", "openssl"))
    return ", ".join(("%s %s" % (name, observer[key])).strip() for name, key in named if observer[key])


def _escaped(text: Any) -> str:
    """Text that no Markdown reader takes for markup, on one line."""
    line = " ".join(str("" if text is None else text).split())
    text = _MARKUP.sub(r"\\\1", line).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _LINKED.sub(r"\1<!-- -->", text)
