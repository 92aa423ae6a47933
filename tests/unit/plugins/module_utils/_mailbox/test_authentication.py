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
INSIDE = "Received: from mx.example.net by mx.example.net with LMTP id 2; Sat, 28 Nov 2026 12:00:02 +0000"
AGAIN = "Received: from localhost (localhost [127.0.0.1]) by mx.example.net (Postfix) with ESMTP id 4; x"
CALLED = "Received: from mx.example.net (evil.example [192.0.2.66]) by mx.example.net (Postfix) with ESMTP id 5; x"
AUTHOR = "From: a@example.com"
FILTER = (
    "Received: from mx.example.net ([127.0.0.1]) by localhost (mx.example.net [127.0.0.1]) (amavis) with ESMTP id 3; x"
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
    "5: between the lines of a filter on the same host": (
        [AGAIN, FILTER, GOOD, RECEIVED, BEFORE], TRUSTED, "present", ("pass", "pass", "pass")),
    "7.1: below the line of Postfix, whose milters write above it": (
        [RECEIVED.replace(" with", " (Postfix) with"), GOOD, BEFORE], TRUSTED, "not_determined", (None, None, None)),
    "5: between two lines of the receiver": (
        [INSIDE, GOOD, RECEIVED], TRUSTED, "present", ("pass", "pass", "pass")),
    "7.1: below a line in the receiver's name that the sender wrote": (
        [RECEIVED, RECEIVED, GOOD], TRUSTED, "not_determined", (None, None, None)),
    "7.1: below a line in the receiver's name, which did not get it from there": (
        [RECEIVED, BEFORE.replace("by relay.example.com", "by mx.example.net"), GOOD], TRUSTED, "not_determined",
        (None, None, None)),
    "7.1: below such a line, of a sender that calls itself as the receiver is called": (
        [CALLED, GOOD, RECEIVED, AUTHOR], TRUSTED, "not_determined", (None, None, None)),
    "7.1: and one whose certificate does": (
        [CALLED.replace(" by mx", ' (Client CN "(mx.example.net [192.0.2.25])") by mx'), GOOD, RECEIVED, AUTHOR],
        TRUSTED, "not_determined", (None, None, None)),
    "7.1: and one that calls itself by a word that such lines have": (
        [CALLED.replace("from mx.example.net", "from by"), GOOD, RECEIVED, AUTHOR], TRUSTED, "not_determined",
        (None, None, None)),
    "5: between two lines of the receiver, which has looked up the name": (
        [CALLED.replace("evil.example [192.0.2.66]", "MX.example.net [192.0.2.25]"), GOOD, RECEIVED, AUTHOR], TRUSTED,
        "present", ("pass", "pass", "pass")),
    "5: between two lines of the receiver, by LMTP": (
        [CALLED.replace("(evil.example [192.0.2.66])", "([192.0.2.25])").replace("ESMTP", "LMTP"), GOOD, RECEIVED, AUTHOR],
        TRUSTED, "present", ("pass", "pass", "pass")),
    "7.1: among the fields of the author": (
        [RECEIVED, "From: a@example.com", GOOD], TRUSTED, "not_determined", (None, None, None)),
    "2.5: letters' case means nothing": (
        [GOOD.replace("mx.example.net", "MX.Example.NET"), RECEIVED], TRUSTED, "present", ("pass", "pass", "pass")),
    "2.2: a version after the name": (
        ["Authentication-Results: mx.example.net 1; dkim=pass", RECEIVED], TRUSTED, "present", ("pass", None, None)),
    "2.2: an unknown version is not understood": (
        ["Authentication-Results: mx.example.net 2; dkim=pass", RECEIVED], TRUSTED, "not_determined", (None, None, None)),
    "2.2: nothing was checked": (["Authentication-Results: mx.example.net; none", RECEIVED], TRUSTED, "present", (None, None, None)),
    "2.2: comments are no results": (
        ["Authentication-Results: mx.example.net (; dkim=pass) ; dkim (dmarc=pass) = (x) fail (spf=pass)", RECEIVED],
        TRUSTED, "present", ("fail", None, None)),
    "2.2: quoted strings are no results": (
        ['Authentication-Results: mx.example.net; spf=fail reason="; dkim=pass; (" smtp.mailfrom="a;dmarc=pass"@b', RECEIVED],
        TRUSTED, "present", (None, "fail", None)),
    "RFC 5322 3.2.4: a quoted string that never ends hides what follows it": (
        ['Authentication-Results: mx.example.net; dkim=pass; spf=fail reason="; dmarc=pass', RECEIVED], TRUSTED, "present",
        ("pass", None, None)),
    "RFC 5322 3.2.2: a parenthesis may be quoted, in a comment too": (
        [r"Authentication-Results: mx.example.net; dkim=fail (\) ; dkim=pass (\( ) reason) ; spf=pass", RECEIVED], TRUSTED,
        "present", ("fail", "pass", None)),
    "2.2: the name may be quoted": (
        ['Authentication-Results: "mx.example.net"; dkim=pass', RECEIVED], TRUSTED, "present", ("pass", None, None)),
    "a name in a comment is none": (
        ["Authentication-Results: (mx.example.net;) evil.example; dkim=pass", RECEIVED], TRUSTED, "not_determined",
        (None, None, None)),
    "a name that only begins so is another": (
        ["Authentication-Results: mx.example.net.evil.example; dkim=pass", RECEIVED], TRUSTED, "not_determined",
        (None, None, None)),
    "Exchange Online gives no name": (
        ["Authentication-Results: spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=example.com; dkim=pass", RECEIVED], TRUSTED,
        "not_determined", (None, None, None)),
    "several signatures, one of them holds": (
        ["Authentication-Results: mx.example.net; dkim=fail header.d=list.example; dkim=pass header.d=example.com", RECEIVED],
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


@pytest.mark.parametrize(
    "lines",
    [
        [GOOD],
        [RECEIVED, GOOD],
        [RECEIVED, GOOD, "From: a@example.com"],
        [INSIDE, RECEIVED, GOOD, BEFORE],
        [RECEIVED, "Received-SPF: pass", "DKIM-Filter: x", GOOD, BEFORE],
    ],
)
def test_where_a_milter_writes_and_a_sender_may_it_is_said_that_nobody_can_tell(lines):
    found = read(lines)
    assert (found.state, found.dkim) == ("present", "pass")
    assert "mx.example.net" in found.reason and "RFC 8601 5" in found.reason


@pytest.mark.parametrize("called", ["mx.example.net", "by", "with"])
def test_what_a_sender_calls_itself_makes_no_line_of_its_the_receivers(called):
    """Exim, of which nobody knows where it writes: what stands below its own line is in doubt."""
    own = "Received: from [192.0.2.66] (helo=%s) by mx.example.net with esmtp (Exim 4.96) id 6; x" % called
    own = own if "." in called else "Received: from %s ([192.0.2.66]) by mx.example.net with esmtp id 6; x" % called
    assert "RFC 8601 5" in read([own, GOOD, RECEIVED, "From: a@example.com"]).reason


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
