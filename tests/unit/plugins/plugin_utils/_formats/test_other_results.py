# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Reports of audits and of mail that was waited for, from what the engine itself says of them.

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.wait import wait_for_mail
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.nagios import as_nagios, exit_status
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment
from ansible_collections.postmaster.mailcheck.tests.support import mailboxes
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import Folder, ImapServer
from ansible_collections.postmaster.mailcheck.tests.support.plugin import read
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

pytestmark = pytest.mark.usefixtures("no_pause_lasts")

PROBES = ["auth_offered_in_clear", "pipelining", "certificate"]


@pytest.fixture(scope="module")
def audited() -> dict[str, Any]:
    """AUTH in clear is found, pipelining passes, and without TLS there is no certificate to see."""
    with running(Relay()) as relay:
        return audit("127.0.0.1", port=relay.port, probes=PROBES, ehlo_name="client.example.org")


def waited(*words: str, **more: Any) -> dict[str, Any]:
    """A wait for messages with these tokens; only `token` is there."""
    with ImapServer({"INBOX": Folder({1: mailboxes.mail("token")})}) as server:
        return wait_for_mail(
            host="127.0.0.1", port=server.port, tls="none", allow_plaintext_auth=True, username="tim",
            password=mailboxes.PASSWORD, tokens=list(words), timeout=30, **more,
        )  # fmt: skip


def test_a_monitoring_system_is_told_how_long_mail_took() -> None:
    report = waited("token", expect={"folder": "inbox"})
    given = assess(report)
    assert read(as_nagios(given)).performance["time"] == round(report["seconds"], 6)
    assert (exit_status(given), exit_status(assess(waited("missing", "other")))) == (0, 2)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_them(audited: dict[str, Any], name: str) -> None:
    given: Assessment = assess([audited, waited("token")])
    assert FORMATS[name].write(given).strip()
