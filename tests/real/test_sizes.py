# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The size of a message against what a relay says it takes (RFC 1870).

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import BLOCK_OCTETS as BLOCK
from ansible_collections.postmaster.mailcheck.tests.hostile import measure
from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import Dovecot
from ansible_collections.postmaster.mailcheck.tests.real.exim import Exim
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import SMALL_MESSAGE_SIZE, Postfix
from ansible_collections.postmaster.mailcheck.tests.real.reports import PASSED, Check, Log, outcome, said, verbs

HEADER = b"From: sender@elsewhere.test\r\nMessage-ID: <%d@client.lab.test>\r\n\r\n"


def message_of(folder: Path, size: int) -> str:
    content = HEADER % size
    content += b"x" * ((size - len(content)) % 100 + 98) + b"\r\n"
    content += (b"." * 98 + b"\r\n") * ((size - len(content)) // 100)
    assert len(content) == size
    path = folder / f"{size}.eml"
    path.write_bytes(content)
    return str(path)


def test_a_message_that_is_too_large_is_refused_before_anything_is_sent(
    check: Check, postfix: Postfix, tmp_path: Path
) -> None:
    log = Log(postfix.log)
    report = check(
        postfix.ports["small_messages"],
        source_address=log.client,
        sender="sender@elsewhere.test",
        recipients=[servers.ACCEPTED],
        send=True,
        test_message={"file": message_of(tmp_path, SMALL_MESSAGE_SIZE + 1)},
    )
    assert outcome(report) == ("failed", "message_too_large")
    assert report["max_message_size"] == SMALL_MESSAGE_SIZE
    assert (report["stage"], report["changed"], report["recipients"]) == ("mail", False, [])
    assert f"{SMALL_MESSAGE_SIZE + 1} octets" in report["failure"]["text"]
    assert verbs(report) == ["EHLO", "STARTTLS", "EHLO", "QUIT"]
    assert "ehlo=2 starttls=1 quit=1 commands=4" in log.wait_for("disconnect from")


def test_the_size_is_declared(check: Check, postfix: Postfix, exim: Exim, tmp_path: Path) -> None:
    for port in (postfix.ports["small_messages"], exim.ports["smtp"]):
        report = check(
            port,
            sender="sender@elsewhere.test",
            recipients=[servers.ACCEPTED],
            send=True,
            test_message={"file": message_of(tmp_path, 5_000)},
        )
        assert outcome(report) == PASSED
        assert "MAIL FROM:<sender@elsewhere.test> SIZE=5000" in said(report)


def test_a_message_as_large_as_the_relay_takes(check: Check, postfix: Postfix, tmp_path: Path) -> None:
    report = check(
        postfix.ports["small_messages"],
        sender="sender@elsewhere.test",
        recipients=[servers.ACCEPTED],
        send=True,
        test_message={"file": message_of(tmp_path, SMALL_MESSAGE_SIZE)},
    )
    assert (outcome(report), report["message"]["size"]) == (PASSED, SMALL_MESSAGE_SIZE)


def test_no_fixed_limit(check: Check, dovecot: Dovecot) -> None:
    # Neither of Dovecot's services names one: unknown, which is not the same as none.
    assert check(dovecot.ports["submission"])["max_message_size"] is None
    report = check(dovecot.ports["lmtp"], protocol="lmtp")
    assert (outcome(report), report["max_message_size"]) == (PASSED, None)
    assert "SIZE" not in report["capabilities"]


@pytest.mark.parametrize("options", [{"tls": "none"}, {"tls": "starttls"}, {"tls": "starttls", "chunking": True}])
def test_25_mib_pass_through_little_memory(exim: Exim, pki: Pki, tmp_path: Path, options: dict[str, Any]) -> None:
    """All of the process, beside one that sends a small message: some blocks of 64 KiB, in clear and in TLS."""
    shared = {
        "host": servers.HOST,
        "port": exim.ports["smtp"],
        "ca_path": str(pki.ca),
        "ehlo_name": "client.lab.test",
        "sender": "sender@elsewhere.test",
        "recipients": [servers.DISCARDED],
        "send": True,
        **options,
    }
    given = [dict(shared, test_message={"file": message_of(tmp_path, size)}) for size in (5_000, 400 * BLOCK)]
    ended = subprocess.run(
        [sys.executable, measure.__file__], input=json.dumps(given), stdout=subprocess.PIPE, text=True, check=True
    )
    measured = json.loads(ended.stdout)
    assert measured["report"]["verdict"] == "passed", measured["report"]["msg"]
    assert measured["report"]["message"]["size"] == 400 * BLOCK
    assert measured["octets"] < 16 * BLOCK  # the kernel counts pages by the hundred
