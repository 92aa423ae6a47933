# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The table of causes: every cause that any wing of the engine gives is a row of it, and every row is given somewhere.

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.model import STAGES as MAILBOX_STAGES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.request import OPTIONS as MAILBOX_OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import STAGES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts import causes
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import (
    CAUSES,
    Failure,
    hint_of,
    may_pass_later,
    verdict_of,
    with_more,
)

TABLE = Path(causes.__file__)
ENGINE = TABLE.parent.parent
# Which argument of these calls is a cause.
CAUSE_ARGUMENT = {
    "Failure": 1,
    "fail": 1,
    "Broken": 0,
    "TlsFailure": 0,
    "ResolveError": 0,
    "SaslError": 0,
}
# Tables whose values, or rows' beginnings, are causes.
CAUSE_TABLES = (
    "_CONNECT_CAUSES",
    "_VERIFY_CAUSES",
    "_REASONS",
    "_TIMED_OUT",
    "_LOST",
    "_GENERAL_CAUSES",
    "CAUSES_OF",
    "_SIGN_IN_CODES",
)


def trees():
    """Every file of the engine, whichever wing it is in."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ENGINE.rglob("*.py"))}


def texts(node):
    return [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def named(node):
    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
    return getattr(target, "id", "")


def causes_used():
    """Yield (file, cause, what gives it) for each cause that the engine's code gives as a literal."""
    for path, tree in trees().items():
        name = path.relative_to(ENGINE).as_posix()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                position = CAUSE_ARGUMENT.get(called)
                if position is not None and len(node.args) > position:
                    for text in [n.value for n in branches(node.args[position])]:
                        yield name, text, called
            elif isinstance(node, (ast.Assign, ast.AnnAssign)) and named(node) in CAUSE_TABLES:
                for value in values_of(node.value):
                    for text in texts(value):
                        yield name, text, named(node)


def values_of(table):
    """The values of a dictionary; of a list of rows what they begin with."""
    return [row.elts[0] for row in table.elts] if isinstance(table, ast.List) else table.values


def branches(node):
    """A literal, or the literals that an expression chooses from."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node
    elif isinstance(node, ast.IfExp):
        yield from branches(node.body)
        yield from branches(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from branches(value)


# The table


def test_every_cause_that_the_engine_gives_is_in_the_table():
    used = list(causes_used())
    assert len({cause for _file, cause, _giver in used}) > 30  # the search itself works
    assert {giver for _file, _cause, giver in used} == {*CAUSE_ARGUMENT, *CAUSE_TABLES}  # and looks for what is there
    assert [(file, cause) for file, cause, _giver in used if cause not in CAUSES] == []


def test_every_row_of_the_table_is_used():
    """Some file besides the table speaks of it."""
    spoken = {text for path, tree in trees().items() if path != TABLE for text in texts(tree)}
    assert set(CAUSES) - spoken == set()


def test_the_causes_that_callers_know_are_there():
    wanted = """
        name_not_found name_server_failed no_address_of_family connection_refused connection_timed_out
        network_unreachable host_unreachable no_greeting greeting_refused rate_limited not_smtp tls_expected
        tls_not_spoken ehlo_refused tls_not_offered tls_stripped tls_refused tls_unavailable tls_injection
        tls_handshake_reset tls_handshake_stalled tls_version_mismatch tls_cipher_mismatch client_certificate_required
        certificate_expired certificate_not_yet_valid certificate_self_signed certificate_issuer_not_found
        certificate_name_mismatch certificate_wrong_purpose certificate_weak certificate_rejected auth_not_offered
        auth_not_offered_in_clear auth_no_common_mechanism auth_rejected auth_temporarily_failed
        auth_server_not_authentic auth_protocol_error authentication_required tls_required sender_rejected relay_denied
        mailbox_unknown mailbox_full greylisted recipient_rejected recipient_deferred message_too_large
        smtputf8_not_offered message_rejected message_deferred message_changed acceptance_unknown service_closing
        connection_lost timed_out protocol_violation rule_unmet deadline_reached internal_error
        pipelining_refused mx_is_address mx_is_localhost interrupted
    """
    assert [cause for cause in wanted.split() if cause not in CAUSES] == []


@pytest.mark.parametrize("cause", CAUSES)
def test_every_row_is_whole(cause):
    row = CAUSES[cause]
    assert row.verdict in ("not_checked", "unreachable", "failed", "deferred")
    assert row.stages == "any" or set(row.stages.split()) <= {*STAGES, *MAILBOX_STAGES}
    assert row.explanation.endswith(".") and row.hint.endswith((".", ").", "`."))
    assert {field for _text, field, _spec, _conversion in string.Formatter().parse(row.hint)} <= {None, "host", "port"}
    assert "{" not in row.hint.format(host="relay.example.com", port=25)
    assert "{" not in row.explanation
    assert not (row.retried and row.verdict != "failed"), "what is unreachable or deferred is retried anyway"


@pytest.mark.parametrize("cause", CAUSES)
def test_what_may_pass_later(cause):
    """Retried are the unreachable, TLS resets and stalls, 4yz and unmet rules, lost connections; never more."""
    retried = {"tls_handshake_reset", "tls_handshake_stalled", "rule_unmet", "connection_lost", "timed_out"}
    expected = cause in retried or CAUSES[cause].verdict in ("unreachable", "deferred")
    assert may_pass_later(Failure(CAUSES[cause].stages.split()[0], cause)) is expected


@pytest.mark.parametrize(
    "code, cause, verdict",
    [
        (550, "mailbox_unknown", "failed"),
        (454, "relay_denied", "deferred"),
        (452, "mailbox_full", "deferred"),
        (552, "mailbox_full", "failed"),
        (451, "greylisted", "deferred"),
        (421, "service_closing", "deferred"),
        (450, "ehlo_refused", "deferred"),
        (454, "client_certificate_required", "failed"),  # waiting would not bring one
        (451, "tls_required", "failed"),
        (421, "tls_required", "failed"),
        (450, "authentication_required", "failed"),
        (550, "rate_limited", "failed"),  # said for good, whatever passes with time
        (450, "rate_limited", "deferred"),
        (None, "connection_lost", "failed"),
        (None, "connection_refused", "unreachable"),
    ],
)
def test_verdicts(code, cause, verdict):
    assert verdict_of(Failure("rcpt", cause, code)) == verdict


def test_no_failure_is_passed():
    assert verdict_of(None) == "passed"


def test_a_hint_says_options_as_a_playbook_has_them():
    assert hint_of("tls_expected", "relay.example.com", 465) == "Set tls: implicit, as for port 465."
    assert hint_of("client_certificate_required", "relay.example.com", 25) == "Set client_cert and client_key."
    assert "O(" not in "".join(hint_of(cause, "relay.example.com", 25) for cause in CAUSES)


def test_a_hint_says_options_as_they_are_said_where_it_is_shown():
    said = []
    hint_of("network_unreachable", "relay.example.com", 25, lambda name, value: said.append((name, value)) or "")
    hint_of("greylisted", "relay.example.com", 25, lambda name, value: said.append((name, value)) or "")
    assert said == [("address_family", "ipv4"), ("retry_for", "600")]


def test_who_was_asked_for_a_name_that_does_not_exist_is_said():
    assert "as the system does" in hint_of("name_not_found", "relay.example.com", 25)


def test_what_a_hint_leads_to_is_at_hand(monkeypatch):
    """There is a site once SITE names it; until then nothing leads there."""
    assert with_more("Wait.", "relay_denied") == "Wait. More: mailcheck explain relay_denied"
    monkeypatch.setattr(causes, "SITE", "https://mailcheck.example/")
    assert (
        with_more("Wait.", "relay_denied") == "Wait. More: https://mailcheck.example/docsite/causes.html#relay-denied"
    )


# What a wait for mail meets on its way to a mailbox, and in it, but for what only relays that the DNS names, sweeps and
# audits come to.
ON_THE_WAY = {"resolve", "connect", "starttls", "tls", "auth", "any", *MAILBOX_STAGES}
OF_MAILBOXES = {name for name, row in CAUSES.items() if {*row.stages.split()} & ON_THE_WAY}
OF_MAILBOXES -= {"credentials_not_for_relay", "not_checked", "deadline_reached", "nothing_settled"}


@pytest.mark.parametrize("cause", sorted(OF_MAILBOXES))
def test_a_hint_about_a_mailbox_speaks_of_a_server_and_of_options_that_it_has(cause):
    options = []
    hint = hint_of(cause, "imap.example.com", 993, lambda option, _value: options.append(option) or option, "mailbox")
    assert not re.search(r"\brelays?\b", hint)
    assert {*options} <= {*MAILBOX_OPTIONS}


def test_a_hint_about_a_mailbox_leaves_the_name_of_its_host_as_it_is():
    assert "`dig relay.example.com A " in hint_of("name_not_found", "relay.example.com", 993, kind="mailbox")


@pytest.mark.parametrize("cause", ["not_smtp", "tls_not_spoken"])
def test_who_asks_a_mailbox_in_place_of_a_relay_learns_what_looks_into_it(cause):
    hint = hint_of(cause, "mx", 465)
    assert "begins with `*` (IMAP) or `+OK` (POP3)" in hint and "wait_for_mail (`mailcheck wait`)" in hint


def test_who_asks_a_relay_in_place_of_a_mailbox_learns_what_looks_at_it():
    hint = hint_of("tls_not_spoken", "mx", 993, kind="mailbox")
    assert "begins with `220` is no mailbox: smtp_check (`mailcheck check`)" in hint


def test_where_the_reason_is_not_in_a_log_the_relay_can_be_asked():
    assert "smtp_check (`mailcheck check`) of this relay" in hint_of("certificate_rejected", "mx", 25)
    assert "smtp_check" not in hint_of("certificate_rejected", "mx", 993, kind="mailbox")
