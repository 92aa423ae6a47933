# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Whatever a relay does: a check ends within its timeout and a second, and takes no more than 4 MiB above a healthy one.

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.tests.hostile import measure
from ansible_collections.postmaster.mailcheck.tests.hostile.cases import (
    ANNA,
    AUTH,
    DATA,
    EHLO,
    HEALTHY,
    HEALTHY_OPTIONS,
    INSIDE,
    LOGIN,
    MAIL,
    ONE,
    OPEN,
    PIPELINING,
    PLAIN_EHLO,
    READY,
    SIGNED,
    TLS,
)
from ansible_collections.postmaster.mailcheck.tests.hostile.test_cases import options_of

if TYPE_CHECKING:
    from typing import Any, Dict, Tuple

    from ansible_collections.postmaster.mailcheck.tests.support.authority import Authority

TIMEOUT = 1.0
MOST_OCTETS = 4 << 20
MESSAGE_OCTETS = 16 << 20


def raw(data: bytes) -> str:
    """Octets as a script writes them."""
    return "".join("\\x%02x" % octet for octet in data)


def _records(messages: bytes) -> bytes:
    return b"\x16\x03\x03" + len(messages).to_bytes(2, "big") + messages


_HELLO_BODY = b"\x03\x03" + bytes(32) + b"\x00" + b"\xc0\x2b" + b"\x00" + b"\x00\x05\xff\x01\x00\x01\x00"
HELLO = b"\x02" + len(_HELLO_BODY).to_bytes(3, "big") + _HELLO_BODY
# A Certificate message can announce 16 MiB at most; records of it follow for as long as they are taken.
HUGE_CHAIN = _records(HELLO) + _records(b"\x0b\xff\xff\xff" + b"\xff\xff\xfc" + b"\x00\x40\x00" + bytes(9000))
CHAIN_GOES_ON = b"\x16\x03\x03\x40\x00" + bytes(16384)

# What it does, and the outcome; None where any failure will do.
HOSTILE: Dict[str, Tuple[str, str, Dict[str, Any]]] = {
    "endless octets": (OPEN + "endless x\n", "ehlo protocol_violation", {}),
    "endless octets, NUL": (OPEN + "endless \\0\n", "ehlo protocol_violation", {}),
    "endless lines": (OPEN + "endless 250-x\\r\\n\n", "ehlo protocol_violation", {}),
    "endless long lines": (OPEN + "endless 250-%s\\r\\n\n" % ("x" * 8000), "ehlo protocol_violation", {}),
    "endless greeting": ("S: 220 \\\nendless x\n", "greeting protocol_violation", {}),
    "endless replies": (OPEN + "endless 250 x\\r\\n\n", "mail protocol_violation", ONE),
    "endless replies after MAIL": (PIPELINING + MAIL + ANNA + "endless 250 x\\r\\n\n", "", ONE),
    "endless lines inside TLS": (INSIDE + "endless 250-x\\r\\n\n", "ehlo protocol_violation", TLS),
    "endless octets inside TLS": (INSIDE + "endless x\n", "ehlo protocol_violation", TLS),
    "endless 334": (LOGIN + "S: 334 VXNlcm5hbWU6\nanswers 334 VXNlcm5hbWU6\n", "auth auth_protocol_error", SIGNED),
    "endless 334 unasked": (LOGIN + "endless 334 VXNlcm5hbWU6\\r\\n\n", "auth protocol_violation", SIGNED),
    "a long 334": (AUTH + "C: AUTH\nS: 334 \\\nendless QUFB\n", "auth protocol_violation", SIGNED),
    "endless words after QUIT": (PLAIN_EHLO + "C: QUIT\nendless 221-x\\r\\n\n", "", {}),
    "a huge chain": (
        READY + "C: <octets>\nS: %s\\\nendless %s\n" % (raw(HUGE_CHAIN), raw(CHAIN_GOES_ON)), "tls tls_protocol_error", TLS
    ),
    "a long chain": (READY + "TLS long\n" + EHLO + "S: 250 relay\n", "", TLS),
    "session tickets without number": (READY + "TLS tickets\n" + EHLO + "S: 250 relay\n", "", TLS),
    "an endless handshake": (READY + "C: <octets>\nendless %s\n" % raw(b"\x16\x03\x03\x00\x01\x02"), "", TLS),
    "endless alerts": (READY + "C: <octets>\nendless %s\n" % raw(b"\x15\x03\x03\x00\x02\x01\x00"), "", TLS),
    "endless noise for TLS": (READY + "C: <octets>\nendless \\x16\n", "", TLS),
    "a drip": (OPEN + "drips 250-x\\r\\n\n", "ehlo timed_out", {}),
    "a drip without a line end": (OPEN + "drips x\n", "ehlo timed_out", {}),
    "a drip for a greeting": ("drips 220-x\\r\\n\n", "greeting timed_out", {}),
    "a drip inside TLS": (INSIDE + "drips 250-x\\r\\n\n", "ehlo timed_out", TLS),
    "a drip of TLS records": (READY + "C: <octets>\ndrips %s\n" % raw(CHAIN_GOES_ON), "tls tls_handshake_stalled", TLS),
    "silence": ("silent\n", "greeting no_greeting", {}),
    "silence after EHLO": (OPEN + "silent\n", "ehlo timed_out", {}),
    "silence after STARTTLS": (READY + "silent\n", "tls tls_handshake_stalled", TLS),
}  # fmt: skip


def _measured(options: Dict[str, Any], start: Any, authority: Authority) -> Dict[str, Any]:
    healthy = start(HEALTHY)
    given = [dict(options_of(HEALTHY_OPTIONS, authority), host=healthy.host, port=healthy.port), options]
    done = subprocess.run(
        [sys.executable, measure.__file__], input=json.dumps(given), stdout=subprocess.PIPE, timeout=60, check=True,
        encoding="utf-8", env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    measured: Dict[str, Any] = json.loads(done.stdout)
    return measured


@pytest.mark.parametrize("name", HOSTILE)
def test_a_check_ends_in_time_and_stays_small(name: str, start: Any, authority: Authority) -> None:
    script, outcome, options = HOSTILE[name]
    relay = start(script)
    given = dict(options_of(options, authority), timeout=TIMEOUT, host=relay.host, port=relay.port)
    measured = _measured(given, start, authority)
    failure = measured["report"]["failure"]
    assert measured["seconds"] < TIMEOUT + 1.0
    assert measured["octets"] < MOST_OCTETS
    if outcome:
        assert failure and "%(stage)s %(cause)s" % failure == outcome, failure
    assert len(json.dumps(measured["report"])) < 512 * 1024


@pytest.mark.parametrize("setting", [{}, TLS], ids=["clear", "TLS"])
def test_a_zero_window_while_we_send(setting: Dict[str, Any], start: Any, authority: Authority, tmp_path: Any) -> None:
    path = tmp_path / "message.eml"
    path.write_bytes(b"Subject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * (MESSAGE_OCTETS // 78))
    opening = DATA if not setting else INSIDE + "S: 250 relay\n" + DATA[len(PLAIN_EHLO) :]
    relay = start(opening + "S: 354 go\nreads nothing more\n", receive_buffer=4096)
    options = options_of(dict(ONE, **setting), authority)
    options.update(send=True, test_message={"file": str(path)}, timeout=TIMEOUT, host=relay.host, port=relay.port)
    measured = _measured(options, start, authority)
    report = measured["report"]
    assert measured["seconds"] < TIMEOUT + 1.0
    assert measured["octets"] < MOST_OCTETS
    assert (report["verdict"], report["failure"]["stage"], report["failure"]["cause"]) == (
        "failed",
        "message",
        "timed_out",
    )
    assert report["changed"] is False  # the final dot has not left


def test_a_sweep_of_500_ends_by_its_deadline(start: Any, authority: Authority) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        if hard < 4096:
            pytest.skip("there are not enough file descriptors for 500 relays in this process")
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))
    scripts = [
        "silent\n", OPEN + "drips 250-x\\r\\n\n", READY + "silent\n", OPEN + "endless 250-x\\r\\n\n", OPEN + "endless x\n",
        "closes\n", OPEN + "silent\n", LOGIN + "S: 334 x\nanswers 334 x\n", "resets\n", READY + "C: <octets>\nresets\n",
    ]  # fmt: skip
    relays = [start(scripts[index % len(scripts)]) for index in range(500)]
    shared = options_of(SIGNED, authority)
    shared.update(timeout=120.0, deadline=3.0, details="all")
    began = measure.clock()
    result = sweep(["%s:%d" % (relay.host, relay.port) for relay in relays], **shared)
    assert measure.clock() - began < 60.0  # of the 120 that each of the silent ones has
    verdicts = result["summary"]["verdicts"]
    assert len(result["endpoints"]) == 500 == sum(verdicts.values())
    assert "passed" not in verdicts
    assert "internal_error" not in result["summary"]["causes"]
    assert "deadline_reached" in result["summary"]["causes"]
