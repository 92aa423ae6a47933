# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# `Received` lines as the servers of the field write them, and the hops that they tell of (RFC 5321 4.4).

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.headers import fields_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.trace import MAX_HOPS, trace_of

# server -> its line, and what is to be read in it. What a row does not name is None.
LINES = {
    "postfix, TLS 1.3": (
        ("from relay.example.com (relay.example.com [192.0.2.7])\r\n"
         "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n"
         "\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\r\n"
         "\t(No client certificate requested)\r\n"
         "\tby mx.example.net (Postfix) with ESMTPS id 4XyZ12abcd\r\n"
         "\tfor <user@example.net>; Sat, 28 Nov 2026 12:00:01 +0000 (UTC)"),
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "ESMTPS", "tls": True,
         "tls_version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "id": "4XyZ12abcd", "time": "2026-11-28T12:00:01Z"},
    ),
    "postfix, in clear": (
        ("from client.example.com (unknown [IPv6:2001:db8::7])\r\n"
         "\tby relay.example.com (Postfix) with ESMTP id 4F00\r\n"
         "\tfor <user@example.net>; Sat, 28 Nov 2026 13:00:00 +0100 (CET)"),
        {"from": "client.example.com", "address": "2001:db8::7", "by": "relay.example.com", "with": "ESMTP",
         "tls": False, "id": "4F00", "time": "2026-11-28T12:00:00Z"},
    ),
    "postfix, signed in": (
        ("from [10.0.0.5] (unknown [198.51.100.5]) (Authenticated sender: user@example.com) "
         "by relay.example.com (Postfix) with ESMTPSA id 0A1B2C; Sat, 28 Nov 2026 12:00:00 +0000"),
        {"from": "[10.0.0.5]", "address": "198.51.100.5", "by": "relay.example.com", "with": "ESMTPSA", "tls": True,
         "id": "0A1B2C", "time": "2026-11-28T12:00:00Z"},
    ),
    "postfix, by a program of its own host": (
        "by relay.example.com (Postfix, from userid 0) id 9C5E1; Sat, 28 Nov 2026 12:00:00 +0000",
        {"by": "relay.example.com", "id": "9C5E1", "local": True, "time": "2026-11-28T12:00:00Z"},
    ),
    "exim, TLS 1.3": (
        ("from relay.example.com ([192.0.2.7])\r\n\tby mx.example.net with esmtps  (TLS1.3) tls TLS_AES_256_GCM_SHA384\r\n"
         "\t(Exim 4.96)\r\n\t(envelope-from <probe@example.com>)\r\n\tid 1rK7eb-0003oQ-1x\r\n"
         "\tfor user@example.net;\r\n\tSat, 28 Nov 2026 12:00:01 +0000"),
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "esmtps", "tls": True,
         "tls_version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "id": "1rK7eb-0003oQ-1x",
         "time": "2026-11-28T12:00:01Z"},
    ),
    "exim, TLS 1.2 as older ones wrote it, and a HELO name apart": (
        ("from [192.0.2.7] (helo=relay.example.com) by mx.example.net with esmtps "
         "(TLS1.2:ECDHE_RSA_AES_256_GCM_SHA384:256) (Exim 4.84_2) id 1a2b3c-000001-AA; Sat, 28 Nov 2026 12:00:01 +0000"),
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "esmtps", "tls": True,
         "tls_version": "TLSv1.2", "cipher": "ECDHE_RSA_AES_256_GCM_SHA384", "id": "1a2b3c-000001-AA",
         "time": "2026-11-28T12:00:01Z"},
    ),
    "exim, of a client that calls itself by the loopback's address": (
        ("from [192.0.2.7] (ident=127.0.0.1 helo=[127.0.0.1]) by mx.example.net with esmtp (Exim 4.96) id 1a; "
         "Sat, 28 Nov 2026 12:00:01 +0000"),
        {"from": "[127.0.0.1]", "address": "192.0.2.7", "by": "mx.example.net", "with": "esmtp", "tls": False,
         "id": "1a", "time": "2026-11-28T12:00:01Z"},
    ),
    "exim, by a program of its own host": (
        "from root by relay.example.com with local (Exim 4.96) id 1rK7eb-0003oQ-1y; Sat, 28 Nov 2026 12:00:00 +0000",
        {"from": "root", "by": "relay.example.com", "with": "local", "local": True, "id": "1rK7eb-0003oQ-1y",
         "time": "2026-11-28T12:00:00Z"},
    ),
    "sendmail": (
        ("from relay.example.com (relay.example.com [192.0.2.7])\r\n"
         "\tby mx.example.net (8.17.1/8.17.1) with ESMTPS id 3ASC00Ab012345\r\n"
         "\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO)\r\n"
         "\tfor <user@example.net>; Sat, 28 Nov 2026 12:00:01 GMT"),
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "ESMTPS", "tls": True,
         "tls_version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "id": "3ASC00Ab012345",
         "time": "2026-11-28T12:00:01Z"},
    ),
    "exchange": (
        ("from AM0PR01.example.prod.outlook.com (2603:10a6::1) by\r\n AM0PR02.example.prod.outlook.com (2603:10a6::2) with "
         "Microsoft SMTP\r\n Server (version=TLS1_2,\r\n cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.8207.10; "
         "Sat, 28 Nov 2026\r\n 12:00:02 +0000"),
        {"from": "AM0PR01.example.prod.outlook.com", "address": "2603:10a6::1", "by": "AM0PR02.example.prod.outlook.com",
         "with": "Microsoft SMTP Server", "tls": True, "tls_version": "TLSv1.2",
         "cipher": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "id": "15.20.8207.10", "time": "2026-11-28T12:00:02Z"},
    ),
    "exchange, between its own parts": (
        ("from AM0PR02.example.prod.outlook.com ([fe80::1]) by AM0PR02.example.prod.outlook.com ([fe80::1%4]) with mapi id "
         "15.20.8207.10; Sat, 28 Nov 2026 12:00:02 +0000"),
        {"from": "AM0PR02.example.prod.outlook.com", "address": "fe80::1", "by": "AM0PR02.example.prod.outlook.com",
         "with": "mapi", "local": True, "id": "15.20.8207.10", "time": "2026-11-28T12:00:02Z"},
    ),
    "gmail": (
        ("from relay.example.com (relay.example.com. [192.0.2.7])\r\n        by mx.google.com with ESMTPS id "
         "a640c23a62f3a-a9fa1b2c3d4si123456166b.42.2026.11.28.04.00.01\r\n        for <user@gmail.com>\r\n"
         "        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);\r\n"
         "        Sat, 28 Nov 2026 04:00:01 -0800 (PST)"),
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.google.com", "with": "ESMTPS", "tls": True,
         "tls_version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384",
         "id": "a640c23a62f3a-a9fa1b2c3d4si123456166b.42.2026.11.28.04.00.01", "time": "2026-11-28T12:00:01Z"},
    ),
    "gmail, between its own parts": (
        "by 2002:a05:6402:1234:b0:5cf:abcd with SMTP id x1csp123456edp;\r\n        Sat, 28 Nov 2026 04:00:02 -0800 (PST)",
        {"by": "2002:a05:6402:1234:b0:5cf:abcd", "with": "SMTP", "tls": False, "local": True, "id": "x1csp123456edp",
         "time": "2026-11-28T12:00:02Z"},
    ),
    "qmail, from the network": (
        "from unknown (HELO relay.example.com) (192.0.2.7)\r\n  by mx.example.net with SMTP; 28 Nov 2026 12:00:01 -0000",
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "SMTP", "tls": False,
         "time": "2026-11-28T12:00:01Z"},
    ),
    "qmail, TLS by ucspi or a patch": (
        ("from unknown (HELO relay.example.com) (probe@192.0.2.7)\r\n"
         "  by mx.example.net with (TLS_AES_256_GCM_SHA384 encrypted) ESMTPS; 28 Nov 2026 12:00:01 -0000"),
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "ESMTPS", "tls": True,
         "cipher": "TLS_AES_256_GCM_SHA384", "time": "2026-11-28T12:00:01Z"},
    ),
    "qmail, TLS by an older patch, which calls it SMTP": (
        ("from unknown (HELO relay.example.com) (192.0.2.7)\r\n"
         "  by mx.example.net with (DHE-RSA-AES256-SHA encrypted) SMTP; 28 Nov 2026 12:00:01 -0000"),
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "SMTP", "tls": True,
         "cipher": "DHE-RSA-AES256-SHA", "time": "2026-11-28T12:00:01Z"},
    ),
    "qmail, signed in, a cipher of an older name": (
        ("from unknown (HELO relay.example.com) (probe@192.0.2.7)\r\n"
         "  by mx.example.net with (AES256-SHA encrypted, authenticated) SMTP; 28 Nov 2026 12:00:01 -0000"),
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "SMTP", "tls": True,
         "cipher": "AES256-SHA", "time": "2026-11-28T12:00:01Z"},
    ),
    "sendmail before ESMTPS had its name": (
        ("from relay.example.com (relay.example.com [192.0.2.7])\r\n\tby mx.example.net (8.12.1/8.12.1) with ESMTP id f1\r\n"
         "\t(version=TLSv1/SSLv3 cipher=EDH-RSA-DES-CBC3-SHA bits=168 verify=NO); Sat, 28 Nov 2026 12:00:01 GMT"),
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "ESMTP", "tls": True,
         "cipher": "EDH-RSA-DES-CBC3-SHA", "id": "f1", "time": "2026-11-28T12:00:01Z"},
    ),
    "exchange of a company's own": (
        ("from relay.example.com (192.0.2.7) by mx.example.net (192.0.2.25) with Microsoft SMTP Server (TLS) id 14.3.1; "
         "Sat, 28 Nov 2026 12:00:01 +0000"),
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "Microsoft SMTP Server",
         "tls": True, "id": "14.3.1", "time": "2026-11-28T12:00:01Z"},
    ),
    "courier, whose word about TLS stands beside the client's name": (
        ("from relay.example.com (relay.example.com [192.0.2.7])\r\n  (TLS: TLSv1/SSLv3,256bits,AES256-SHA)\r\n"
         "  by mx.example.net with esmtp; Sat, 28 Nov 2026 12:00:01 +0000"),
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "esmtp", "tls": None,
         "time": "2026-11-28T12:00:01Z"},
    ),
    "a protocol that RFC 3848 does not name": (
        "from relay.example.com (192.0.2.7) by mx.example.net with HTTP id 1; Sat, 28 Nov 2026 12:00:01 +0000",
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "HTTP", "tls": None,
         "id": "1", "time": "2026-11-28T12:00:01Z"},
    ),
    "a sender whose name claims TLS": (
        ("from relay.example.com ([192.0.2.7]) by mx.example.net with esmtp (Exim 4.96) (envelope-from <TLS @example.com>) "
         "id 1; Sat, 28 Nov 2026 12:00:01 +0000"),
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "esmtp", "tls": False,
         "id": "1", "time": "2026-11-28T12:00:01Z"},
    ),
    "a client that calls itself by a word that such lines have": (
        "from with ([192.0.2.7]) by mx.example.net with ESMTPS id 1; Sat, 28 Nov 2026 12:00:01 +0000",
        {"address": "192.0.2.7", "by": "mx.example.net", "id": "1", "time": "2026-11-28T12:00:01Z"},
    ),
    "qmail's queue": (
        "(qmail 4711 invoked by uid 89); 28 Nov 2026 12:00:01 -0000",
        {"local": True, "time": "2026-11-28T12:00:01Z"},
    ),
    "dovecot, LMTP of its own host": (
        ("from mx.example.net\r\n\tby mx.example.net with LMTP\r\n\tid sLKdFQGhaWfMFgAA\r\n"
         "\t(envelope-from <probe@example.com>)\r\n\tfor <user@example.net>; Sat, 28 Nov 2026 12:00:01 +0000"),
        {"from": "mx.example.net", "by": "mx.example.net", "with": "LMTP", "tls": False, "local": True,
         "id": "sLKdFQGhaWfMFgAA", "time": "2026-11-28T12:00:01Z"},
    ),
    "opensmtpd": (
        ("from relay.example.com (relay.example.com [192.0.2.7])\r\n\tby mx.example.net (OpenSMTPD) with ESMTPS id 4d4f7b1a\r\n"
         "\t(TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO)\r\n\tfor <user@example.net>;\r\n\tSat, 28 Nov 2026 12:00:01 +0000 (UTC)"),
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "ESMTPS", "tls": True,
         "tls_version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "id": "4d4f7b1a", "time": "2026-11-28T12:00:01Z"},
    ),
    "haraka": (
        ("from relay.example.com ([192.0.2.7])\r\n\tby mx.example.net (Haraka/3.0.2) with ESMTPS id "
         "6F0A1B2C-1234.1\r\n\tenvelope-from <probe@example.com>\r\n\ttls TLS_AES_256_GCM_SHA384;\r\n"
         "\tSat, 28 Nov 2026 12:00:01 +0000"),
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "ESMTPS", "tls": True,
         "cipher": "TLS_AES_256_GCM_SHA384", "id": "6F0A1B2C-1234.1", "time": "2026-11-28T12:00:01Z"},
    ),
    "no protocol told": (
        "from relay.example.com (192.0.2.7) by mx.example.net; Sat, 28 Nov 2026 12:00:01 +0000",
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "time": "2026-11-28T12:00:01Z"},
    ),
    "a date that is none": (
        "from relay.example.com (192.0.2.7) by mx.example.net with ESMTP id 1; yesterday, 99 Foo 20266",
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "ESMTP", "tls": False,
         "id": "1"},
    ),
    "a comment that claims TLS for a protocol without": (
        ("from relay.example.com (using TLSv1.3 with cipher X [192.0.2.7]) by mx.example.net with ESMTP id 1; "
         "Sat, 28 Nov 2026 12:00:01 +0000"),
        {"from": "relay.example.com", "address": "192.0.2.7", "by": "mx.example.net", "with": "ESMTP", "tls": False,
         "id": "1", "time": "2026-11-28T12:00:01Z"},
    ),
}  # fmt: skip


def read(*lines):
    return trace_of(fields_of("".join("Received: %s\r\n" % line for line in lines).encode()))


@pytest.mark.parametrize("server", sorted(LINES))
def test_a_line_of(server):
    line, expected = LINES[server]
    (hop,) = read(line).as_dict()["hops"]
    names = ("from", "address", "by", "with", "tls", "tls_version", "cipher", "id", "time")
    nothing = {**dict.fromkeys(names), "local": False, "delay": None}
    assert hop == {**nothing, **expected}


def simple(host, second, protocol="ESMTPS"):
    at = "Sat, 28 Nov 2026 12:00:%02d +0000" % second
    return "from %s (%s [192.0.2.1]) by next.%s with %s id 1; %s" % (host, host, host, protocol, at)


def test_hops_are_in_the_order_of_travel_and_the_last_line_is_the_first_hop():
    trace = read(simple("c.example", 9), simple("b.example", 4), simple("a.example", 1)).as_dict()
    assert [hop["from"] for hop in trace["hops"]] == ["a.example", "b.example", "c.example"]
    assert [hop["delay"] for hop in trace["hops"]] == [None, 3.0, 5.0]
    assert trace["seconds"] == 8.0
    assert trace["encrypted"] is True
    assert trace["problems"] == []


def test_a_clock_that_is_behind_shows_as_skew_and_not_as_a_journey_through_time():
    trace = read(simple("b.example", 1), simple("a.example", 9)).as_dict()
    assert [hop["delay"] for hop in trace["hops"]] == [None, -8.0]
    assert trace["seconds"] is None
    assert trace["problems"] == [
        "clock skew: next.b.example gives a time 8 s before that of next.a.example, from which it got the message"
    ]


def test_a_hop_without_a_time_has_no_delay_and_the_next_none_either():
    trace = read(simple("c.example", 9), "from b.example by next.b.example with ESMTPS id 1", simple("a.example", 1))
    assert [hop.delay for hop in trace.hops] == [None, None, None]


@pytest.mark.parametrize(
    "lines, encrypted",
    [
        ([simple("a.example", 1), simple("b.example", 2)], True),
        ([simple("a.example", 1), simple("b.example", 2, "ESMTP")], False),
        ([simple("a.example", 1), "from b.example (192.0.2.7) by c.example; Sat, 28 Nov 2026 12:00:01 +0000"], None),
        # What a host does inside itself is no hop that could be overheard.
        ([LINES["dovecot, LMTP of its own host"][0], simple("a.example", 1)], True),
        ([LINES["gmail, between its own parts"][0], simple("a.example", 1)], True),
        (["from localhost (localhost [127.0.0.1]) by mx.example.net with ESMTP id 1; x", simple("a.example", 1)], True),
        ([], None),
        ([LINES["qmail's queue"][0]], None),
    ],
)
def test_encrypted_is_said_only_where_every_hop_says_so(lines, encrypted):
    assert read(*lines).encrypted is encrypted


HOSTILE = {
    "parentheses without end": "(" * 100_000,
    "closed ones": ")" * 100_000,
    "nested ones": "(" * 50_000 + ")" * 50_000,
    "quotes": '"' * 100_001,
    "backslashes": "\\" * 100_000,
    "keywords": "from by with id for via " * 5_000,
    "semicolons": ";" * 100_000,
    "digits": "from a ([" + "1" * 100_000 + "]) by b with ESMTP id 1; 28 Nov " + "9" * 10_000 + " 12:00:00 +0000",
    "a date far away": "from a by b with ESMTP id 1; Sat, 28 Nov 99999 12:00:00 +0000",
    "a zone far away": "from a by b with ESMTP id 1; Sat, 28 Nov 2026 12:00:00 +99999999999999999999",
    "nothing": "",
    "control characters": "from \x1b[2Ja\x00 by b\x07 with ESMTP id \x1b]0;x; Sat, 28 Nov 2026 12:00:01 +0000",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_lines_are_read_to_their_end_and_shown_safely(name):
    trace = read(HOSTILE[name])
    assert len(trace.hops) == 1
    assert all(value.isprintable() and len(value) <= 1000 for value in trace.hops[0] if isinstance(value, str))


def test_more_hops_than_a_loop_can_have_are_left_out_and_said():
    trace = read(*[simple("a.example", 1)] * (MAX_HOPS + 7))
    assert len(trace.hops) == MAX_HOPS
    assert trace.problems == ("7 Received lines more than are read (%d): the oldest are left out" % MAX_HOPS,)
