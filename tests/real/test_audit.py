# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Audits of real servers: what their manuals say that they do, and what each planted fault comes to.

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.register import PROBES
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import load_profiles
from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import Dovecot
from ansible_collections.postmaster.mailcheck.tests.real.exim import Exim
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix
from ansible_collections.postmaster.mailcheck.tests.real.reports import Log

LEFT = {name for name, probe in PROBES.items() if probe.left_to}  # to sslyze: unknown until that was asked
KNOWN = "user@lab.test"
OUTSIDE = "audit@elsewhere.test"
# What is so by default. Postfix answers VRFY by 252 for whom it knows and by 550 for whom it does not
# (disable_vrfy_command = no), and speaks TLS from 1.0 on (smtpd_tls_protocols = >=TLSv1), with anonymous suites for who
# would else send in clear (TLS_README: smtpd_tls_exclude_ciphers).
# That RCPT tells is as it should be at a relay that takes mail from the world.
POSTFIX = {
    "banner": {"pass"},
    "starttls": {"pass"},
    "certificate": {"pass"},
    "auth_offered_in_clear": {"pass"},
    "eightbit": {"pass"},
    "pipelining": {"pass"},
    "tls_versions": {"finding"},
    "unprotected_suites": {"finding"},
    "auth_begun_in_clear": {"pass"},
    "starttls_injection": {"pass"},
    "starttls_plaintext": {"pass"},
    "ntlm_names": {"pass"},
    "nul": {"pass"},
    "long_line": {"pass"},
    "bare_lf": {"finding"},
    "size": {"pass"},
    "unknown_command": {"pass"},
    "vrfy": {"finding"},
    "expn": {"pass"},
    "rcpt": {"finding"},
    "recipient_limit": {"pass"},
    "relaying": {"pass"},
    **{name: {"unknown"} for name in LEFT},
}
# Exim has no VRFY and no EXPN unless an ACL allows them. So does GnuTLS, with which Debian builds it.
EXIM = {**POSTFIX, "vrfy": {"pass"}, "unprotected_suites": {"pass"}}  # GnuTLS' NORMAL has neither ANON nor NULL
# Dovecot's submission takes mail from whoever has signed in, and from nobody else: so nothing about recipients is known.
_SIGNED_IN_ONLY = ("eightbit", "rcpt", "recipient_limit", "relaying")
_PASSES = ("vrfy", "tls_versions", "unprotected_suites")  # ssl_cipher_list has !aNULL:!eNULL
DOVECOT = {**POSTFIX, **{name: {"pass"} for name in _PASSES}, **{name: {"unknown"} for name in _SIGNED_IN_ONLY}}

# Listener -> probe -> what the fault planted there has to come to.
PLANTED = {
    "open": {"relaying": "finding"},
    "silent": {"vrfy": "pass"},
    "ten_recipients": {"recipient_limit": "finding"},
    # Dovecot, which Postfix asks here, answers a wrong password at once (auth_failure_delay = 0).
    "auth_in_clear": dict.fromkeys(("auth_offered_in_clear", "auth_begun_in_clear", "auth_attempts"), "finding"),
    "tls_required": {"tls_versions": "pass", "auth_begun_in_clear": "pass", "relaying": "pass"},
    "expired": {"certificate": "finding"},
    "wrong_name": {"certificate": "finding"},
    "deferring": {"relaying": "pass"},
    "greylisting": {"rcpt": "unknown", "relaying": "unknown"},
    # Every address of its own domain is taken: none tells of a mailbox.
    "catch_all": {"vrfy": "pass", "rcpt": "pass", "relaying": "pass"},
    # It waits a second before each greeting (`sleep`): slow is not refused.
    "tarpit": {"pipelining": "pass", "starttls_injection": "pass", "vrfy": "finding", "unknown_command": "pass"},
}
# aiosmtpd takes mail from anybody for anybody, answers VRFY by 252 for all and has no EXPN; it announces SIZE and
# keeps to it, and neither STARTTLS nor PIPELINING.
AIOSMTPD = {
    "starttls": {"finding"},
    "auth_offered_in_clear": {"pass"},
    "eightbit": {"pass"},
    "pipelining": {"pass"},
    "auth_begun_in_clear": {"pass"},
    "nul": {"pass"},
    "long_line": {"pass"},
    "size": {"pass"},
    "unknown_command": {"pass"},
    "vrfy": {"pass"},
    "expn": {"pass"},
    "rcpt": {"pass"},
    "recipient_limit": {"pass"},
    "relaying": {"finding"},
    "smuggling": {"pass"},
    "auth_attempts": {"pass"},
}


def audited(port: int, pki: Pki, client: str, **options: Any) -> dict[str, Any]:
    given = {"ca_path": str(pki.ca), "ehlo_name": "client.lab.test", "timeout": 30, "source_address": client, **options}
    return audit(servers.HOST, port=port, **given)


def active(port: int, pki: Pki, client: str, **options: Any) -> dict[str, Any]:
    given = {
        "intensity": "active",
        "authorised": [servers.HOST],
        "known_recipient": KNOWN,
        "outside_recipient": OUTSIDE,
    }
    return audited(port, pki, client, **{**given, **options})


def told(report: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: "%(status)s: %(text)s" % one for one in report["probes"]}


def held(report: dict[str, Any], expected: dict[str, set[str]]) -> None:
    statuses = {one["name"]: one["status"] for one in report["probes"]}
    assert set(statuses) == set(expected)
    wrong = {name: text for name, text in told(report).items() if statuses[name] not in expected[name]}
    assert wrong == {}


def test_a_default_postfix(postfix: Postfix, pki: Pki) -> None:
    report = active(postfix.ports["mx"], pki, Log(postfix.log).client)
    held(report, POSTFIX)
    assert report["verdict"] == "passed"


def test_a_default_exim(exim: Exim, pki: Pki) -> None:
    report = active(exim.ports["smtp"], pki, "127.0.0.1")
    held(report, EXIM)
    assert report["verdict"] == "passed"


def test_a_default_dovecot(dovecot: Dovecot, pki: Pki) -> None:
    """From another address: Dovecot takes a client on its own for encrypted."""
    held(active(dovecot.ports["submission"], pki, "127.0.0.2"), DOVECOT)


@pytest.mark.parametrize("listener, status", [("mx", "finding"), ("normalizing", "pass"), ("rejecting", "pass")])
def test_where_a_message_ends_for_postfix(listener: str, status: str, postfix: Postfix, pki: Pki) -> None:
    """smtpd_forbid_bare_newline is `no` by default up to 3.8. What is sent here is swallowed."""
    given = {"intensity": "intrusive", "probes": ["smuggling"], "mailbox_recipient": "anybody@discard.test"}
    report = active(postfix.ports[listener], pki, Log(postfix.log).client, **given)
    assert report["probes"][0]["status"] == status, told(report)
    assert report["changed"]


def test_where_a_message_ends_for_exim(exim: Exim, pki: Pki) -> None:
    given = {"intensity": "intrusive", "probes": ["smuggling"], "mailbox_recipient": "anybody@discard.test"}
    report = active(exim.ports["smtp"], pki, "127.0.0.1", **given)
    assert report["probes"][0]["status"] == "pass", told(report)


@pytest.mark.parametrize("listener", list(PLANTED))
def test_what_is_planted_is_found(listener: str, postfix: Postfix, pki: Pki) -> None:
    expected = PLANTED[listener]
    given = {"intensity": "intrusive", "probes": list(expected)}
    report = active(postfix.ports[listener], pki, Log(postfix.log).client, **given)
    assert {one["name"]: one["status"] for one in report["probes"]} == expected, told(report)


def test_active_keeps_its_budget_by_the_relay_s_own_count(postfix: Postfix, pki: Pki) -> None:
    """Postfix counts, session by session: the commands that it took, of all. What fails in TLS is a warning."""
    log = Log(postfix.log)
    report = active(postfix.ports["mx"], pki, log.client)
    connections = 1 + sum(len(one["dialogues"]) for one in report["probes"])
    text = log.wait_for("disconnect from", connections)
    counts = [
        tuple(map(int, pair)) for pair in re.findall(r"disconnect from .* commands=(\d+)(?:/(\d+))?", text) if pair[1]
    ]
    errors = [asked - taken for taken, asked in counts]
    assert connections <= 24 and max(errors) <= 8 and sum(errors) + len(re.findall("SSL_accept error", text)) <= 48
    assert errors, text


def test_a_relay_that_has_enough_after_three_errors_ends_the_audit(postfix: Postfix, pki: Pki) -> None:
    """smtpd_hard_error_limit = 3: 421 comes once VRFY has met three that are nobody. What was learned before stands."""
    given = {"probes": ["unknown_command", "vrfy", "rcpt", "relaying"]}
    report = active(postfix.ports["three_errors"], pki, Log(postfix.log).client, **given)
    statuses = {one["name"]: one["status"] for one in report["probes"]}
    assert statuses == {"unknown_command": "pass", **dict.fromkeys(("vrfy", "rcpt", "relaying"), "unknown")}
    assert (report["cause"], report["verdict"]) != (None, "passed")


def test_aiosmtpd(pki: Pki) -> None:
    controller = Controller(Sink(), hostname=servers.HOST, port=servers.free_port(), server_hostname="sink.lab.test")
    controller.start()
    try:
        given = {"intensity": "intrusive", "mailbox_recipient": KNOWN, "probes": list(AIOSMTPD)}
        held(active(controller.port, pki, "127.0.0.1", **given), AIOSMTPD)
    finally:
        controller.stop()


# By messages


def proven(port: int, pki: Pki, client: str, dovecot: Dovecot, postfix: Postfix, **options: Any) -> dict[str, Any]:
    """With the mailboxes of user@lab.test, by IMAP, and of audit@elsewhere.test."""
    given = {
        "intensity": "intrusive",
        "mailbox_recipient": KNOWN,
        "mailbox": {
            "host": servers.HOST,
            "port": dovecot.ports["imaps"],
            "ca_path": str(pki.ca),
            "username": servers.USERNAME,
            "password": servers.PASSWORD,
        },
        "outside_mailbox": {"protocol": "maildir", "path": str(postfix.outside)},
        "arrival_timeout": 30.0,
        **options,
    }
    report = active(port, pki, client, **given)
    (probed,) = report["probes"]
    assert not [warning for warning in report["warnings"] if "mailbox" in warning]
    return probed


def smuggled_into(maildir: Path) -> int:
    """How many messages lie there that were inside of others: looked at by hand."""
    whole = [path.read_bytes() for part in ("new", "cur") for path in (maildir / part).glob("*")]
    return sum(b"This one was inside." in one and b"is to be a part of this message" not in one for one in whole)


@pytest.mark.parametrize("listener, expected", [
    ("mx", ("finding", "message")),
    ("normalizing", ("pass", None)),
    ("rejecting", ("pass", None)),
    # What a filter before the queue is sent is what came, once the true end was seen; and it is a plain relay.
    ("proxied", ("finding", "message")),
])  # fmt: skip
def test_two_tokens_tell_where_a_message_ends(
    listener: str, expected: tuple[str, Any], postfix: Postfix, dovecot: Dovecot, pki: Pki
) -> None:
    before = smuggled_into(postfix.maildir)
    given = {"probes": ["smuggling"]}
    probed = proven(postfix.ports[listener], pki, Log(postfix.log).client, dovecot, postfix, **given)
    assert (probed["status"], probed["proof"]) == expected, probed["text"]
    assert (smuggled_into(postfix.maildir) > before) is (expected[0] == "finding")


def test_two_tokens_tell_where_a_message_ends_for_exim(
    exim: Exim, postfix: Postfix, dovecot: Dovecot, pki: Pki
) -> None:
    given = {"probes": ["smuggling"], "mailbox": {"protocol": "maildir", "path": str(exim.maildir)}}
    probed = proven(exim.ports["smtp"], pki, "127.0.0.1", dovecot, postfix, **given)
    assert (probed["status"], "arrived whole" in probed["text"]) == ("pass", True), probed["text"]


@pytest.mark.parametrize("listener, outside, expected", [
    ("open", OUTSIDE, ("finding", "message")),
    ("mx", OUTSIDE, ("pass", None)),
    ("bouncing", "audit@bouncing.test", ("pass", None)),  # taken, and back it comes
    ("open", "audit@swallowed.test", ("finding", "none")),  # taken, and never seen again: a suspicion
])  # fmt: skip
def test_a_token_that_arrives_elsewhere_proves_relaying(
    listener: str, outside: str, expected: tuple[str, Any], postfix: Postfix, dovecot: Dovecot, pki: Pki
) -> None:
    given = {"probes": ["relaying"], "outside_recipient": outside}
    if expected[1] == "none":
        given["arrival_timeout"] = 3.0
    before = len(list((postfix.outside / "new").iterdir()))
    probed = proven(postfix.ports[listener], pki, Log(postfix.log).client, dovecot, postfix, **given)
    assert (probed["status"], probed["proof"]) == expected, probed["text"]
    assert (len(list((postfix.outside / "new").iterdir())) > before) is (expected == ("finding", "message"))


@pytest.mark.parametrize(
    "listener, unmet", [("hardened", set()), ("mx", {"vrfy", "tls_versions", "smuggling"}), ("open", {"relaying"})]
)
def test_the_profile_of_hardened_relays_can_be_kept_and_broken(
    listener: str, unmet: set[str], postfix: Postfix, pki: Pki
) -> None:
    """A Postfix with the remedies that the probes name keeps it; one as it comes breaks three of its rules."""
    given = {"intensity": "intrusive", "mailbox_recipient": "anybody@discard.test"}
    report = active(postfix.ports[listener], pki, Log(postfix.log).client, **given)
    assessment = assess(report, profile=load_profiles(["hardened-relay"]))
    outcomes = {rule["id"]: rule["outcome"] for rule in assessment["endpoints"][0]["rules"]}
    assert {name for name, outcome in outcomes.items() if outcome == "unmet"} >= unmet, told(report)
    assert {name for name, outcome in outcomes.items() if outcome == "unknown"} == LEFT, told(report)
    if listener == "hardened":
        assert {outcome for name, outcome in outcomes.items() if name not in LEFT} == {"met"}, told(report)


def test_safe_leaves_no_error_in_the_relay_s_log(postfix: Postfix, pki: Pki) -> None:
    log = Log(postfix.log)
    report = audited(postfix.ports["mx"], pki, log.client)
    connections = 1 + sum(len(one["dialogues"]) for one in report["probes"])
    text = log.wait_for("disconnect from", connections)
    assert text.count("connect from") - text.count("disconnect from") == connections <= 12
    for word in ("warning", "error", "reject", "improper", "lost connection"):
        assert word not in text
