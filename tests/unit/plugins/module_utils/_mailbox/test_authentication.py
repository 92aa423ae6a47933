# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Which results of an authentication are believed (RFC 8601): of trusted servers only, and of their latest line only.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.authentication import (
    MAX_METHODS,
    authentication_of,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.headers import fields_of

TRUSTED = ("mx.example.net",)
RECEIVED = (
    "Received: from relay.example.com (192.0.2.7) by mx.example.net with ESMTPS id 1; Sat, 28 Nov 2026 12:00:01 +0000"
)
BEFORE = (
    "Received: from evil.example (192.0.2.66) by relay.example.com with ESMTPS id 2; Sat, 28 Nov 2026 12:00:00 +0000"
)
GOOD = (
    "Authentication-Results: mx.example.net; dkim=pass header.d=example.com header.s=s1; spf=pass "
    "smtp.mailfrom=a@example.com; dmarc=pass (p=REJECT) header.from=example.com"
)
BAD = "Authentication-Results: mx.example.net; dkim=fail; spf=fail; dmarc=fail"
FORGED = "Authentication-Results: attacker.example; dkim=pass; spf=pass; dmarc=pass"

# what -> lines from the top, trusted, state, (dkim, spf, dmarc)
CASES = {
    "RFC 8601 B.3: one line, several methods": ([GOOD, RECEIVED], TRUSTED, "present", ("pass", "pass", "pass")),
    "5: no server is trusted by the caller": ([GOOD, RECEIVED], (), "not_determined", (None, None, None)),
    "5: the only line is somebody else's": ([RECEIVED, FORGED], TRUSTED, "not_determined", (None, None, None)),
    "5: somebody else's stands above": ([FORGED, BAD, RECEIVED], TRUSTED, "present", ("fail", "fail", "fail")),
    "5: two of the trusted, the topmost counts": ([BAD, RECEIVED, GOOD], TRUSTED, "present", ("fail", "fail", "fail")),
    "5: a trusted name, written before the receiver had it": (
        [RECEIVED, BEFORE, GOOD], TRUSTED, "not_determined", (None, None, None)),
    "5: below the receiver's own line, where a milter puts it": (
        [RECEIVED, GOOD], TRUSTED, "present", ("pass", "pass", "pass")),
    "2.5: letters' case means nothing": (
        [GOOD.replace("mx.example.net", "MX.Example.NET")], TRUSTED, "present", ("pass", "pass", "pass")),
    "2.2: a version after the name": (
        ["Authentication-Results: mx.example.net 1; dkim=pass"], TRUSTED, "present", ("pass", None, None)),
    "2.2: an unknown version is not understood": (
        ["Authentication-Results: mx.example.net 2; dkim=pass"], TRUSTED, "not_determined", (None, None, None)),
    "2.2: nothing was checked": (["Authentication-Results: mx.example.net; none"], TRUSTED, "present", (None, None, None)),
    "2.2: comments are no results": (
        ["Authentication-Results: mx.example.net (; dkim=pass) ; dkim (dmarc=pass) = (x) fail (spf=pass)"],
        TRUSTED, "present", ("fail", None, None)),
    "2.2: quoted strings are no results": (
        ['Authentication-Results: mx.example.net; spf=fail reason="; dkim=pass; (" smtp.mailfrom="a;dmarc=pass"@b'],
        TRUSTED, "present", (None, "fail", None)),
    "2.2: the name may be quoted": (
        ['Authentication-Results: "mx.example.net"; dkim=pass'], TRUSTED, "present", ("pass", None, None)),
    "a name in a comment is none": (
        ["Authentication-Results: (mx.example.net;) evil.example; dkim=pass"], TRUSTED, "not_determined",
        (None, None, None)),
    "a name that only begins so is another": (
        ["Authentication-Results: mx.example.net.evil.example; dkim=pass"], TRUSTED, "not_determined",
        (None, None, None)),
    "Exchange Online gives no name": (
        ["Authentication-Results: spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=example.com; dkim=pass"], TRUSTED,
        "not_determined", (None, None, None)),
    "several signatures, one of them holds": (
        ["Authentication-Results: mx.example.net; dkim=fail header.d=list.example; dkim=pass header.d=example.com"],
        TRUSTED, "present", ("pass", None, None)),
    "no line at all": ([RECEIVED], TRUSTED, "absent", (None, None, None)),
}  # fmt: skip


def read(lines, trusted=TRUSTED):
    return authentication_of(fields_of("".join(line + "\r\n" for line in lines).encode()), trusted)


@pytest.mark.parametrize("what", sorted(CASES))
def test_results(what):
    lines, trusted, state, results = CASES[what]
    found = read(lines, trusted)
    assert (found.state, (found.dkim, found.spf, found.dmarc)) == (state, results)
    assert (found.reason == "") is (state in ("present", "absent"))


def test_the_properties_that_a_result_is_about():
    found = read([GOOD])
    assert found.authserv_id == "mx.example.net"
    dkim, spf, dmarc = found.methods
    assert (dkim.method, dkim.result) == ("dkim", "pass")
    assert [tuple(one) for one in dkim.properties] == [("header.d", "example.com"), ("header.s", "s1")]
    assert [tuple(one) for one in spf.properties] == [("smtp.mailfrom", "a@example.com")]
    assert [tuple(one) for one in dmarc.properties] == [("header.from", "example.com")]


def test_what_nobody_may_be_believed_is_not_repeated():
    assert "pass" not in repr(read([RECEIVED, FORGED])).lower()


HOSTILE = ["(" * 100_000, '"' * 100_001, "mx.example.net; " + "a=b; " * 20_000, "mx.example.net; " + "a" * 100_000,
           "mx.example.net; dkim=" + "x.y=z " * 20_000, "\\" * 100_000, "=;" * 50_000, "", ";", "mx.example.net"]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_are_read_to_their_end(value):
    assert len(read(["Authentication-Results: " + value]).methods) <= MAX_METHODS
