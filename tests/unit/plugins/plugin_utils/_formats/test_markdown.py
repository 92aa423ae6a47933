# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Markdown: no markup but its own.

from __future__ import annotations

import hashlib

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.json import as_json
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.markdown import as_markdown
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import load_profiles
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment
from ansible_collections.postmaster.mailcheck.tests.support import assessments
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, relay, result, rule


@pytest.fixture(scope="module")
def evil() -> Assessment:
    return assessments.evil()


def test_markdown_keeps_its_tables(evil: Assessment) -> None:
    text = as_markdown(evil)
    assert "<script" not in text and "<img" not in text
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 6  # findings, what was not judged, changes, waivers, relays, evidence
    for table in tables:
        bars = {line.replace("\\|", "").count("|") for line in table}
        assert len(bars) == 1, table
    assert len(tables[4]) == 2 + len(evil["endpoints"])


def test_what_was_not_judged_is_told_with_its_reason() -> None:
    given = assess(result(relay(rules=[rule("one", "unknown"), rule("two")])), today=DAY)
    assert (
        "## Not judged\n\n| Severity | Relay | Rule | Why |\n| --- | --- | --- | --- |\n"
        "| high | a.example.com:25 | one | the rule one |\n"
    ) in as_markdown(given)


def test_markdown_in_full() -> None:
    given = assess(result(relay(rules=[rule("one", "unmet", document="RFC 5321", section="4.2")])), today=DAY)
    del given["evidence"]
    assert as_markdown(given) == (
        "# Mail relays\n\n1 relay:\n1 failed.\nRules: 1 met, 1 unmet, 0 waived, 0 not judged.\n\n## Findings\n\n"
        "| Severity | Relay | Rule | Finding | Source | Remedy |\n| --- | --- | --- | --- | --- | --- |\n"
        "| high | a.example.com:25 | one | expected: the rule one; observed: no | RFC 5321 4.2 | Set one. |\n\n## Relays\n\n"
        "| Relay | Rules | Verdict | TLS | Days left | Cause |\n| --- | --- | --- | --- | --- | --- |\n"
        "| a.example.com:25 | unmet | failed | TLSv1.3 | 47 | rule\\_unmet |\n"
    )


def test_the_evidence_names_who_looked_and_the_json_by_its_digest() -> None:
    engine = {"version": "0.2.0", "python": "3.11.7", "openssl": "OpenSSL 3.0.19", "host": "bastion"}
    profile = load_profiles(["relay"])
    given = assess({**result(relay(local_address="192.0.2.7")), "engine": engine}, profile=profile, today=DAY)
    lines = as_markdown(given).splitlines()
    assert "| Looked | bastion from 192.0.2.7, mailcheck 0.2.0, Python 3.11.7, OpenSSL 3.0.19 |" in lines
    assert "| JSON | SHA-256 %s |" % hashlib.sha256(as_json(given).encode()).hexdigest() in lines
    (told,) = [line for line in lines if line.startswith("| Profile | relay ")]
    assert profile["applied"][0]["sha256"] in told


def test_what_was_said_behind_a_finding_is_preformatted_whatever_it_says() -> None:
    entry = {"at": 0.25, "from": "server", "text": "250 ```\n\n# x\n</pre><b>", "tls": True}
    broken = relay(rules=[rule("one", "unmet")], rule_transcripts={"one": [[entry], [{**entry, "text": "250 Ok"}]]})
    text = as_markdown(assess(result(broken), today=DAY))
    said = text.partition("### What was said: a.example.com:25, one\n\n")[2]
    assert said.splitlines() == [
        "<pre>",
        "  0.250 TLS &lt; 250 ```",
        "  0.250 TLS &lt; ",
        "  0.250 TLS &lt; # x",
        "  0.250 TLS &lt; &lt;/pre&gt;&lt;b&gt;",
        "</pre>",
        "<pre>",
        "  0.250 TLS &lt; 250 Ok",
        "</pre>",
    ]


def test_what_was_said_to_the_check_is_shown_once_for_all_that_it_shows() -> None:
    entry = {"at": 0.25, "from": "server", "text": "220 relay", "tls": False}
    broken = relay(rules=[rule("one", "unmet"), rule("two", "unmet")], transcript=[entry])
    text = as_markdown(assess(result(broken), today=DAY))
    assert (
        text.count("### What was said")
        == text.count("### What was said: a.example.com:25, check\n\n<pre>\n  0.250")
        == 1
    )


@pytest.mark.parametrize(("said", "written"), [
    ("see https://example.net/x", "see https:<!-- -->//example.net/x"),
    ("see www.example.net", "see www<!-- -->.example.net"),
    ("WWW.example.net", "WWW<!-- -->.example.net"),
    ("ask @postmaster", "ask @<!-- -->postmaster"),
    ("mail a@example.net", "mail a@<!-- -->example.net"),
    ("fixes #1", "fixes #<!-- -->1"),
    ("a: b, 10:30", "a: b, 10:30"),
])  # fmt: skip
def test_nothing_becomes_a_link_or_a_mention_by_itself(said: str, written: str) -> None:
    """GitHub makes links of these though no markup says so, and tells whoever is mentioned."""
    text = as_markdown(assess(result(relay(said)), today=DAY))
    assert written in text
    assert said == written or said not in text
