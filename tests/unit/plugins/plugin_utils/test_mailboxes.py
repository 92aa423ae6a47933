# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Mailboxes as subjects of an assessment: what arrived in them, beside the relays that it was sent through.

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.wait import wait_for_mail
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS
from ansible_collections.postmaster.mailcheck.tests.support.assessments import found, outcomes, waiver
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import (
    SIGN_IN,
    Folder,
    ImapServer,
    bounce,
    mail,
)
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, relay, result

if TYPE_CHECKING:
    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment

ONE, OTHER = "0" * 32, "f" * 32

pytestmark = pytest.mark.usefixtures("no_pause_lasts")


def waited(folders: dict[str, Folder], *tokens: str, **options: Any) -> dict[str, Any]:
    """What a wait for these tokens returns, as of a server of a lasting name."""
    with ImapServer(folders) as server:
        report = wait_for_mail(
            host="127.0.0.1", port=server.port, tls="none", allow_plaintext_auth=True, tokens=list(tokens), timeout=30,
            **SIGN_IN, **options,
        )  # fmt: skip
    return {**report, "host": "imap.example.net", "port": 993}


def arrived(*tokens: str, **options: Any) -> dict[str, Any]:
    inbox = Folder({number: mail(token) for number, token in enumerate(tokens, 1)})
    return waited({"INBOX": inbox}, *tokens, **options)


@pytest.fixture(scope="module")
def judged() -> Assessment:
    """One mailbox, two messages: one in INBOX, one in Junk, where it should not be."""
    folders = {"INBOX": Folder({1: mail(ONE)}), "Junk": Folder({1: mail(OTHER)}, flags=r"\Junk")}
    return assess(waited(folders, ONE, OTHER, expect={"folder": "INBOX", "dkim": "pass"}), today=DAY)


def test_a_mailbox_is_a_subject_of_its_own_kind() -> None:
    assessment = assess(arrived(ONE, expect={"folder": "INBOX"}), today=DAY)
    (row,) = assessment["endpoints"]
    identity = {"mailbox": "imap.example.net", "port": 993}
    assert row["subject"] == {"kind": "mailbox", "name": "imap.example.net", "identity": identity}
    assert (row["id"], row["verdict"], row["assessment"]) == ("imap.example.net:993", "passed", "met")
    assert outcomes(assessment) == {"check": "met", "folder": "met"}
    assert (assessment["title"], row["seconds"], "host" in row) == ("Mailboxes", None, False)
    (arrival,) = row["arrivals"]
    assert (arrival["found"], arrival["folder"], arrival["junk"]) == (True, "INBOX", False)
    assert row["trace"]["hops"][0]["by"] == "mx.example.net"


def test_of_several_messages_each_has_its_rules(judged: Assessment) -> None:
    assert outcomes(judged) == {
        "check": "met", "folder.1": "met", "dkim.1": "unknown", "folder.2": "unmet", "dkim.2": "unknown",
    }  # fmt: skip
    assert found(judged) == [("high", "imap.example.net:993", "folder.2")]
    assert judged["endpoints"][0]["rules"][3]["text"].startswith("message 2: expected: the message arrives in INBOX")


def test_mail_that_did_not_arrive_is_a_finding() -> None:
    assessment = assess(waited({"INBOX": Folder()}, ONE), today=DAY)
    assert found(assessment) == [("high", "imap.example.net:993", "check")]
    assert assessment["endpoints"][0]["rules"][0]["observed"] == "mail_not_found"


def test_mail_that_came_back_is_a_finding_with_its_reason() -> None:
    (row,) = assess(waited({"INBOX": Folder({1: bounce(ONE)})}, ONE), today=DAY)["endpoints"]
    assert row["rules"][0]["observed"] == "mail_bounced"
    assert "User unknown" in row["rules"][0]["text"]


@pytest.mark.parametrize("pattern", ["imap.example.net", "imap.example.net:993", "*.example.net"])
def test_a_waiver_of_a_mailbox(pattern: str) -> None:
    report = waited({"INBOX": Folder()}, ONE)
    assert (
        assess(report, waivers=[waiver(rule="check", endpoint=pattern)], today=DAY)["summary"]["rules"]["waived"] == 1
    )


def test_a_mailbox_beside_relays() -> None:
    assessment = assess([result(relay()), arrived(ONE)], today=DAY)
    assert [row["subject"]["kind"] for row in assessment["endpoints"]] == ["relay", "mailbox"]
    assert assessment["title"] == "Mail relays and mailboxes"


# Formats


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_tells_of_mailboxes(name: str, judged: Assessment) -> None:
    text = FORMATS[name].write(judged)
    assert "imap.example.net" in text
    assert "mailboxs" not in text


def test_markdown_has_a_table_of_mailboxes(judged: Assessment) -> None:
    (line,) = [line for line in FORMATS["markdown"].write(judged).splitlines() if "2 of 2" in line]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1:5] == ["unmet", "failed", "2 of 2", "INBOX, Junk"]
    assert float(cells[5]) < 60 and cells[6].startswith("folder.2")


def test_of_a_mailbox_that_could_not_be_looked_at_no_number_is_told() -> None:
    with ImapServer() as server:
        port = server.port
    gone = wait_for_mail(host="127.0.0.1", port=port, tls="none", allow_plaintext_auth=True, token=ONE, **SIGN_IN)
    assessment = assess(gone, today=DAY)
    assert " of 1 " not in FORMATS["markdown"].write(assessment)
    metrics = FORMATS["prometheus"].write(assessment)
    assert "mailcheck_mail_awaited{" in metrics and "mailcheck_mail_arrived{" not in metrics


def test_metrics_of_mailboxes(judged: Assessment) -> None:
    metrics = FORMATS["prometheus"].write(judged)
    labels = '{endpoint="imap.example.net:993",mailbox="imap.example.net",port="993"}'
    for name, value in (("awaited", 2), ("arrived", 2), ("arrived_in_junk", 1)):
        assert "mailcheck_mail_%s%s %d\n" % (name, labels, value) in metrics
    assert re.search(r"^mailcheck_mail_arrival_seconds\{.*\} [0-9.]+$", metrics, re.MULTILINE)
    assert "mailcheck_check_duration_seconds{" not in metrics


def test_junit_has_a_case_for_each_rule(judged: Assessment) -> None:
    (suite,) = ET.fromstring(FORMATS["junit"].write(judged)).findall("testsuite")
    assert (suite.get("hostname"), suite.get("failures"), suite.get("errors")) == ("imap.example.net", "1", "2")
    assert [case.get("name") for case in suite.findall("testcase") if case.find("failure") is not None] == ["folder.2"]
