# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What an audit costs, what ends it, and whom it may be made of.

from __future__ import annotations

import base64
import re
import socket
from pathlib import Path

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit import register, report
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.dialogue import ERRORS_A_SESSION
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.options import (
    AUDIT_OPTIONS,
    FLEET_OPTIONS,
    wanted_audit,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.options import with_defaults
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import CAUSES, hint_of
from ansible_collections.postmaster.mailcheck.tests.support.behaving import BehavingRelay
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running
from ansible_collections.postmaster.mailcheck.tests.unit.plugins.module_utils._audit.cases import (
    in_turn,
    relays_for,
    slow,
)
from ansible_collections.postmaster.mailcheck.tests.unit.plugins.module_utils._audit.test_probes import GIVEN

HELLO = "250 relay.example.com"
STATUSES = {"pass", "finding", "unknown"}


def vrfy_tells(line):
    return "252 2.0.0 user@example.net\r\n" if "user@example.net" in line else "550 5.1.1 Unknown\r\n"


def statuses(report):
    return {one["name"]: one["status"] for one in report["probes"]}


# What it costs


@pytest.mark.parametrize("intensity, connections, errors", [("safe", 12, 0), ("active", 24, 48)])
def test_the_plan_keeps_its_budget(intensity, connections, errors):
    plan = audit(
        "relay.example.com", check_mode=True, **{**GIVEN, "intensity": intensity, "authorised": ["relay.example.com"]}
    )["plan"]
    assert plan["connections"] <= connections and plan["errors"] <= errors and plan["messages"] == 0
    assert {register.PROBES[name].intensity for name in plan["probes"]} <= {"safe", intensity}
    assert "banner" in plan["probes"] and "robot" not in plan["probes"]  # which is left to sslyze


def test_no_session_of_a_probe_draws_more_errors_than_is_polite():
    for probe in register.PROBES.values():
        assert probe.cost.errors <= ERRORS_A_SESSION * max(probe.cost.connections, 0)


@pytest.mark.parametrize("answers", [
    {"RCPT": relays_for()},
    {"VRFY": "550 5.1.1 No\r\n", "EXPN": "550 5.1.1 No\r\n", "RCPT": relays_for(), "AUTH": "535 5.7.8 No\r\n"},
    {"MAIL": "550 5.7.1 No\r\n", "RCPT": "503 5.5.1 No\r\n"},
    {},
])  # fmt: skip
def test_a_relay_meets_no_more_than_was_announced(answers):
    """Whatever it answers; and no message is ever begun."""
    greeted = []
    greeting = "220 relay.example.com ESMTP\r\n"
    with running(Relay(**{**answers, "": lambda _line: greeted.append(1) or greeting})) as relay:
        report = audit("127.0.0.1", port=relay.port, **GIVEN)
    replies = [
        entry["text"]
        for one in report["probes"]
        for said in one["dialogues"]
        for entry in said
        if entry["from"] == "server"
    ]
    assert len(greeted) <= report["plan"]["connections"]
    assert sum(reply[0] in "45" for reply in replies) <= report["plan"]["errors"]
    assert not [said for said in relay.said if said.upper().startswith(("DATA", "BDAT"))]
    assert set(statuses(report).values()) <= STATUSES


@pytest.mark.parametrize("answers", [{}, {"MAIL": "530 5.7.0 Authentication required\r\n", "HELP": "502 5.5.1 No\r\n"}])
def test_safe_draws_no_error(answers):
    """Not even where one has to sign in first."""
    with running(Relay(**answers)) as relay:
        report = audit("127.0.0.1", port=relay.port, ehlo_name="audit.example.org")
    said = [entry["text"] for one in report["probes"] for talk in one["dialogues"] for entry in talk]
    said += [entry["text"] for entry in report["transcript"]]
    assert report["plan"]["errors"] == 0
    assert not [text for text in said if text[:1] in "45"]


def test_no_credential_leaves_but_one_made_up():
    with running(Relay(AUTH="535 5.7.8 No\r\n")) as relay:
        audit("127.0.0.1", port=relay.port, probes=["auth_attempts"], **GIVEN)
    said = [line.split(" ")[2] for line in relay.said if line.startswith("AUTH PLAIN")]
    assert len(said) == ERRORS_A_SESSION
    (fields,) = {base64.b64decode(one) for one in said}
    nothing, user, password = fields.split(b"\0")
    assert nothing == b"" and user.startswith(b"mc") and password.startswith(b"mc") and user != password


# What ends it


def test_a_421_to_a_connection_ends_the_audit():
    with running(Relay(**{"": "421 4.7.0 Too many connections\r\n"})) as relay:
        report = audit("127.0.0.1", port=relay.port, **GIVEN)
    assert set(statuses(report).values()) == {"unknown"}
    assert report["verdict"] == "deferred" and relay.said == []


@pytest.mark.parametrize("reply, verdict", [
    ("554 5.7.1 Not you\r\n", "failed"), ("421 4.7.0 Too many connections\r\n", "deferred"),
])  # fmt: skip
@pytest.mark.parametrize("refused", ["", "EHLO"])
def test_a_relay_that_refuses_everybody_was_reached_and_a_check_says_the_same(refused, reply, verdict):
    with running(Relay(**{refused: reply})) as relay:
        report = audit("127.0.0.1", port=relay.port, **GIVEN)
        checked = check("127.0.0.1", port=relay.port, ehlo_name="audit.example.org")
    assert (report["verdict"], report["cause"]) == (verdict, checked["failure"]["cause"])
    assert report["verdict"] == checked["verdict"]
    assert report["summary"]["probes"]["unknown"] == len(report["probes"])


def test_a_relay_that_nobody_can_reach_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    report = audit("127.0.0.1", port=port, **GIVEN)
    assert (report["verdict"], report["cause"]) == ("unreachable", "connection_refused")


# What only a sign-in or a message of a check may meet, or whoever names cipher suites, is no cause of an audit.
OF_AUDITS = [name for name, row in CAUSES.items() if {*row.stages.split()} - {"auth", "message", "find"}]
OF_AUDITS.remove("tls_cipher_unavailable")


@pytest.mark.parametrize("cause", OF_AUDITS)
def test_an_audit_advises_nothing_that_it_cannot_do(cause):
    options = []
    hint = hint_of(cause, "relay.example.com", 25, lambda option, _value: options.append(option) or option, "audit")
    assert {*options} <= {*AUDIT_OPTIONS, *FLEET_OPTIONS}
    assert not re.search(r"\b[Ss]ign in\b|submission port", hint)


def test_what_an_audit_advises_leads_on_to_where_there_is_more():
    with running(Relay(**{"": "554 5.7.0 No client certificate was presented\r\n"})) as relay:
        failure = audit("127.0.0.1", port=relay.port, ehlo_name="audit.example.org")["failure"]
    hint = "An audit shows no certificate: let the relay do without one for it."
    assert failure["hint"] == hint + " More: mailcheck explain client_certificate_required"


def test_what_is_said_of_the_end_are_sentences():
    with running(Relay(**{"": "421 4.7.0 Too many connections\r\n"})) as relay:
        report = audit("127.0.0.1", port=relay.port, ehlo_name="audit.example.org")
    assert "More: mailcheck explain %s. Not asked at intensity safe" % report["cause"] in report["msg"]


def test_a_421_to_a_control_ends_the_audit_with_what_was_learned():
    with running(Relay(VRFY="502 5.5.1 No\r\n", EHLO=in_turn(HELLO, HELLO, HELLO, "421 4.7.0 Enough"))) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["vrfy", "expn", "rcpt"], **GIVEN)
    assert statuses(report) == {"vrfy": "pass", "expn": "unknown", "rcpt": "unknown"}
    assert report["verdict"] == "deferred" and report["failure"]["code"] == 421
    assert "It was put off, at ehlo (%s): 421 4.7.0 Enough." % report["cause"] in report["msg"]
    assert report["failure"]["hint"] in report["msg"]
    assert not [line for line in relay.said if line.startswith(("EXPN", "RCPT"))]


def test_a_421_to_a_control_recipient_ends_the_audit_as_well():
    with running(Relay(RCPT=in_turn(*["250 2.1.5 Ok"] * 5, "421 4.7.0 Enough"))) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["rcpt", "recipient_limit", "relaying"], **GIVEN)
        begun = [line for line in relay.said if line.startswith("RCPT")]
    assert statuses(report) == {"rcpt": "pass", "recipient_limit": "unknown", "relaying": "unknown"}
    assert (report["failure"]["code"], report["failure"]["stage"], len(begun)) == (421, "rcpt", 6)


def test_so_does_one_that_comes_before_the_control_is_said():
    """As Postfix says it, right behind the last error that it takes (smtpd_hard_error_limit)."""
    answers = in_turn(
        "252 2.0.0 user@example.net", "550 5.1.1 No", "550 5.1.1 No", "550 5.1.1 No\r\n421 4.7.0 Too many"
    )
    with running(Relay(VRFY=answers)) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["vrfy", "rcpt"], **GIVEN)
    assert statuses(report) == {"vrfy": "unknown", "rcpt": "unknown"}
    assert report["failure"]["code"] == 421 and report["verdict"] != "passed"


def test_a_relay_that_bans_us_is_left_alone():
    """By 554 to the next connection (RFC 5321 3.1), as those do that had enough of errors."""
    greetings = in_turn(*["220 relay.example.com ESMTP"] * 2, "554 5.7.1 Too many errors, banned")
    with BehavingRelay(_greeting(greetings)) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["expn", "vrfy", "rcpt", "relaying"], **GIVEN)
        assert relay.sessions == 3
    assert statuses(report) == {"vrfy": "pass", **dict.fromkeys(("expn", "rcpt", "relaying"), "unknown")}
    assert report["failure"]["code"] == 554 and report["verdict"] != "passed"


def _greeting(greetings):
    def behave(lines, say, _sock):
        greeting = greetings("").rstrip()
        say(greeting)
        for line in lines if greeting.startswith("220") else ():
            say("221 2.0.0 Bye" if line == b"QUIT\r\n" else "250 2.0.0 relay.example.com")

    return behave


def test_what_was_found_before_the_end_stands():
    """One session of four is enough to see that a relay is open."""
    with running(Relay(EHLO=in_turn(HELLO, HELLO, HELLO, "421 4.7.0 Enough"))) as relay:
        report = audit(
            "127.0.0.1",
            port=relay.port,
            probes=["relaying", "smuggling"],
            **GIVEN,
            mailbox_recipient="user@example.net",
        )
    assert statuses(report) == {"relaying": "finding", "smuggling": "unknown"}
    assert report["failure"]["code"] == 421 and report["verdict"] == "failed"


def hangs_up_on_nul(lines, say, _sock):
    say("220 relay.example.com ESMTP")
    for line in lines:
        if b"\0" in line:
            say("500 5.5.2 Not that")
            return
        say("221 2.0.0 Bye" if line == b"QUIT\r\n" else "250 2.0.0 relay.example.com")


def test_a_relay_that_hangs_up_on_a_probe_is_asked_the_others():
    with BehavingRelay(hangs_up_on_nul) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["nul", "vrfy"], **GIVEN)
    assert statuses(report) == {"nul": "pass", "vrfy": "pass"} and report["cause"] is None
    assert report["probes"][0]["text"] == "it hung up on a command with a NUL in it: 500 5.5.2 Not that"


def refuses_and_hangs_up(lines, say, _sock):
    """As `drop` of Exim's ACLs does: a refusal, and no word after it."""
    say("220 relay.example.com ESMTP")
    tried = 0
    for line in lines:
        if line.startswith(b"AUTH"):
            tried += 1
            say("535 5.7.8 No" if tried < 3 else "550 Too many")
            if tried == 3:
                return
        else:
            say("221 2.0.0 Bye" if line == b"QUIT\r\n" else "250-relay.example.com\r\n250 AUTH PLAIN")


def test_a_relay_that_refuses_more_tries_and_hangs_up_has_a_limit():
    with BehavingRelay(refuses_and_hangs_up) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["auth_attempts", "vrfy"], **GIVEN)
    assert statuses(report) == {"auth_attempts": "pass", "vrfy": "pass"}
    assert report["probes"][-1]["text"] == "it ended the session once it had refused 2 passwords"


def test_a_relay_that_is_slow_to_refuse_is_not_asked_again(monkeypatch):
    with running(Relay(AUTH=slow(monkeypatch, 1.05)("535 5.7.8 No\r\n"))) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["auth_attempts"], **GIVEN)
    assert statuses(report) == {"auth_attempts": "pass"} and "to refuse a wrong password" in report["probes"][0]["text"]
    assert len([line for line in relay.said if line.startswith("AUTH")]) == 1


def test_a_relay_that_is_gone_after_a_probe_is_asked_nothing_more():
    coming = []

    def once(lines, say, sock):
        coming.append(sock)
        if len(coming) < 3:
            hangs_up_on_nul(lines, say, sock)

    with BehavingRelay(once) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["nul", "vrfy", "expn"], **GIVEN)
    assert statuses(report) == {"nul": "pass", "vrfy": "unknown", "expn": "unknown"}
    assert report["failure"]["stage"] == "greeting" and len(coming) == 3


def test_a_relay_s_many_words_are_cut_where_people_read_them():
    with running(Relay(**{"*": "550-%s\r\n550 end\r\n" % ("word " * 150)})) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["unknown_command"], **GIVEN)
    text = report["probes"][0]["text"]
    assert len(text) == 401 and text.endswith("…") and "\n" not in text
    assert any(len(said["text"]) > 700 for talk in report["probes"][0]["dialogues"] for said in talk)


def test_a_421_to_what_a_probe_said_is_its_own_answer():
    with running(Relay(VRFY="421 4.7.0 Go away\r\n", EXPN="502 5.5.1 No\r\n")) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["vrfy", "expn"], **GIVEN)
    assert statuses(report) == {"vrfy": "unknown", "expn": "pass"}
    assert report["cause"] is None


def test_a_control_that_is_refused_leaves_its_probe_open():
    with running(Relay(VRFY="502 5.5.1 No\r\n", EHLO=in_turn(HELLO, HELLO, "550 5.7.1 No", HELLO))) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["vrfy", "expn"], **GIVEN)
    assert statuses(report)["vrfy"] == "unknown"
    assert report["probes"][0]["text"].startswith("the dialogue ended at ehlo")


# What it says


def test_the_message_tells_each_finding_the_gravest_first_what_it_means_and_what_to_do():
    with running(Relay(VRFY=vrfy_tells, RCPT=relays_for("elsewhere"))) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["vrfy", "relaying"], **GIVEN)
    found = {one["name"]: one for one in report["probes"]}
    assert report["msg"].startswith(
        "127.0.0.1:%d: 2 findings (1 high, 1 low), 0 passed, 0 unknown. relaying" % relay.port
    )
    assert report["msg"].index("relaying") < report["msg"].index("vrfy")
    for one in found.values():
        assert one["status"] == "finding"
        for said in (one["text"], one["meaning"], one["remedy"]):
            assert said and said in report["msg"]


def test_one_finding_is_one():
    with running(Relay(VRFY=vrfy_tells)) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["vrfy"], **GIVEN)
    assert ": 1 finding (1 low), 0 passed, 0 unknown." in report["msg"]


def test_what_was_left_open_by_a_relay_that_passes_is_said_aloud():
    with running(Relay(VRFY="450 4.2.1 Later\r\n", EXPN="502 5.5.1 No\r\n")) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["vrfy", "expn"], **GIVEN)
    warning = report["warnings"][-1]
    assert report["verdict"] == "passed" and "1 probe asks: vrfy: VRFY user@example.net was answered 450" in warning


LATER = {"VRFY": "450 4.2.1 Later\r\n", "EXPN": "450 4.2.1 Later\r\n"}
GREYLISTED = {"VRFY": "502 5.5.1 No\r\n", "RCPT": "451 4.7.1 Greylisted, try again\r\n"}


@pytest.mark.parametrize("probes, said", [
    (["vrfy", "expn"], "vrfy: VRFY user@example.net was answered 450"),
    (["robot"], "robot: "),  # which only another program can ask
    ([], "no probe was made"),
])  # fmt: skip
def test_an_audit_that_settles_nothing_has_not_passed(probes, said):
    with running(Relay(**LATER)) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=probes, **GIVEN)
    assert (report["verdict"], report["cause"]) == ("not_checked", "nothing_settled")
    assert "It settled nothing (nothing_settled): " + said in report["msg"]
    assert report["failure"]["hint"] in report["msg"]


@pytest.mark.parametrize("probes", [["rcpt"], ["vrfy", "rcpt"], ["relaying"]])
def test_where_a_control_is_put_off_so_is_the_audit(probes):
    with running(Relay(**GREYLISTED)) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=probes, **GIVEN)
    assert (report["verdict"], report["cause"]) == ("deferred", "greylisted")
    assert report["failure"]["recipient"] == "user@example.net"
    assert "at rcpt (greylisted): 451 4.7.1 Greylisted, try again (said to the control recipient)." in report["msg"]


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
@pytest.mark.parametrize("said, cause", [
    ("451 4.3.0 Temporary lookup failure", "system_error"),
    ("452 4.2.2 Mailbox full", "mailbox_full"),
    ("450 4.1.1 User unknown", "recipient_deferred"),
    ("421 4.7.0 Too many", "service_closing"),
])  # fmt: skip
def test_what_is_put_off_is_so_whatever_the_cause_is_else(verb, said, cause):
    """A mailbox that is full now, a name server that does not answer: the relay said that it is for now."""
    with running(Relay(VRFY="502 5.5.1 No\r\n", **{verb: said + "\r\n"})) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["vrfy", "rcpt"], **GIVEN)
    assert (report["verdict"], report["cause"], report["failure"]["code"]) == ("deferred", cause, int(said[:3]))


def test_a_control_that_is_refused_for_good_puts_nothing_off():
    with running(Relay(VRFY="502 5.5.1 No\r\n", RCPT="550 5.1.1 No\r\n")) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["vrfy", "rcpt"], **GIVEN)
        alone = audit("127.0.0.1", port=relay.port, probes=["rcpt"], **GIVEN)
    assert (report["verdict"], report["cause"], alone["verdict"]) == ("passed", None, "not_checked")


def test_what_is_grave_counts_though_all_else_is_put_off():
    with running(Relay(**GREYLISTED)) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=["auth_offered_in_clear", "rcpt"], **GIVEN)
    assert (report["verdict"], report["cause"], report["failure"]) == ("failed", None, None)


def test_no_relay_is_refused_without_being_told_how_to_name_it():
    with pytest.raises(
        OptionError, match=r"authorised: does not name relay\.example\.com\. With intensity active a relay is"
    ):
        audit("relay.example.com", intensity="active")


# Whom it may be made of


@pytest.mark.parametrize("option, given", [
    ("authorised", {"intensity": "active"}),
    ("authorised", {"intensity": "active", "authorised": ["other.example.com"]}),
    ("authorised", {"intensity": "active", "probes": ["vrfy"], "known_recipient": "user@example.net"}),
    ("authorised", {"intensity": "active", "authorised": ["relay.example.com:26"]}),
    ("probes[0]", {"probes": ["vrfy"]}),
    ("probes[0]", {"probes": ["verify"]}),
    ("probes[0]", {"probes": ["vrfy"], "intensity": "active", "authorised": ["relay.example.com"]}),
    ("known_recipient", {"known_recipient": "user@example.net>\r\nDATA"}),
    ("known_recipient", {"known_recipient": "user"}),
    ("outside_recipient", {"known_recipient": "a@example.net", "outside_recipient": "b@EXAMPLE.net"}),
    ("pause", {"pause": -1.0}),
])  # fmt: skip
def test_a_mistake_is_refused_before_any_socket_opens(option, given, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", None)
    with pytest.raises(OptionError) as refused:
        audit("relay.example.com", **given)
    assert refused.value.option == option


def test_an_ipv6_relay_is_authorised_with_its_port_in_brackets():
    for name in ("2001:db8::25", "[2001:db8::25]:25"):
        audit("2001:db8::25", check_mode=True, intensity="active", authorised=[name])
    with pytest.raises(OptionError, match="authorised"):
        audit("2001:db8::25", check_mode=True, intensity="active", authorised=["[2001:db8::25]:26"])


@pytest.mark.parametrize("name", ["relay.example.com", "RELAY.example.com.", "relay.example.com:25"])
def test_a_relay_is_authorised_as_it_is_given(name):
    report = audit("relay.example.com", check_mode=True, intensity="active", authorised=[name])
    assert report["verdict"] == "not_checked" and report["probes"] == []


def test_what_lacks_an_option_is_named_and_not_judged():
    report = audit("relay.example.com", check_mode=True, intensity="active", authorised=["relay.example.com"])
    assert {"name": "vrfy", "lacks": ["known_recipient"]} in report["not_made"]
    assert {"name": "relaying", "lacks": ["known_recipient", "outside_recipient"]} in report["not_made"]
    assert "vrfy" not in report["plan"]["probes"]


@pytest.mark.parametrize("given, needs", [
    ({}, "the options intensity: active, authorised, known_recipient, outside_recipient"),
    ({"known_recipient": "user@example.net", "authorised": ["127.0.0.1"]},
     "the options intensity: active, outside_recipient"),
    ({"intensity": "active", "authorised": ["127.0.0.1"]}, "the options known_recipient, outside_recipient"),
    ({"intensity": "active"}, "the options authorised, known_recipient, outside_recipient"),
    ({"intensity": "active", "authorised": ["192.0.2.25"]}, "the options authorised, known_recipient, outside_recipient"),
    ({"authorised": ["192.0.2.25"]}, "the options intensity: active, authorised, known_recipient, outside_recipient"),
])  # fmt: skip
def test_all_that_a_probe_lacks_is_asked_for_at_once(given, needs):
    with pytest.raises(OptionError) as refused:
        audit("127.0.0.1", probes=["relaying"], **given)
    assert str(refused.value) == "probes[0]: names the probe relaying, which needs %s." % needs


def test_the_register_holds_every_probe_of_the_folder():
    files = (Path(register.__file__).parent / "probes").glob("*.py")
    written = sum(len(re.findall(r"^[A-Z_]+ = _?[Pp]robe\(", path.read_text(encoding="utf-8"), re.M)) for path in files)
    assert len(register.PROBES) == written


@pytest.mark.parametrize("given, tls, told", [
    ({}, "opportunistic", 0), ({"port": 465}, "implicit", 1), ({"port": 465, "tls": "opportunistic"}, "opportunistic", 0),
])  # fmt: skip
def test_port_465_means_the_same_to_an_audit(given, tls, told):
    wanted = wanted_audit("127.0.0.1", with_defaults(given, AUDIT_OPTIONS))
    assert (wanted.endpoint.tls, len(wanted.warnings)) == (tls, told)


def test_what_is_known_of_each_probe_is_listed_in_the_order_of_an_audit():
    shown = report.listed()
    assert [one["name"] for one in shown] == list(register.PROBES)
    for one, probe in zip(shown, register.PROBES.values()):
        assert (one["severity"], one["connections"], one["needs"]) == (
            probe.severity, probe.cost.connections, list(probe.needs),
        )  # fmt: skip
        assert (one["proof"] is None) is (probe.proof is None)


def test_an_audit_without_tls_begins_none():
    with running(Relay(EHLO="250-relay.example.com\r\n250 STARTTLS\r\n")) as relay:
        report = audit("127.0.0.1", port=relay.port, tls="none", probes=["banner"], **GIVEN)
    assert (report["verdict"], "STARTTLS" in relay.said) == ("passed", False)
