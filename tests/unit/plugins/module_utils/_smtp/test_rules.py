# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Rules held against facts: met, unmet, or unknown where the facts do not say.

from __future__ import annotations

import datetime
import math

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Outcome
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.certificates import read_certificate
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.dane import DaneVerdict
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import STAGES, Facts, RecipientFacts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.plan import _was_expected
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.probes import PROBES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.replies import Reply
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rules import RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.tlsa import DaneFacts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.transcript import Transcript
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import Failure
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import Judged, evaluate, parse_expect
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.wording import cause_of
from ansible_collections.postmaster.mailcheck.tests.support.script import VERIFIED, request_for

NOW = 1767225600.0  # 2026-01-01
NOTHING = Facts(Transcript(0.0))


def certificate(days):
    expires = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(days=days)
    made = trustme.CA().issue_cert("relay.example.com", "*.mail.example.com", not_after=expires)
    pem = x509.load_pem_x509_certificate(made.cert_chain_pems[0].bytes())
    return read_certificate(pem.public_bytes(Encoding.DER))


LEAF = certificate(days=30.5)


def facts(**known):
    made = Facts(Transcript(0.0))
    for name, value in known.items():
        setattr(made, name, value)
    return made


OFFERS = facts(
    capabilities={"SIZE": ["1000000"], "AUTH": ["PLAIN", "login"], "PIPELINING": []},
    capabilities_before_tls={"STARTTLS": [], "SIZE": ["1000000"]},
    tls=VERIFIED._replace(version="TLSv1.2", chain=(LEAF,)),
    dane=DaneFacts(DaneVerdict("met", "", ()), None),
    greeting=Reply(220, ("relay.example.com ESMTP Postfix",)),
    timings={"total": 1.25},
)


def judged(name, expected, known=OFFERS):
    (rule,) = evaluate(RULES, parse_expect(RULES, {name: expected}), known, {}, NOW)
    assert rule.id == name
    assert rule.severity in ("high", "medium", "low")
    assert rule.text and bool(rule.remedy) is (rule.outcome != "unknown")  # nobody knows what is to be mended
    return rule


@pytest.mark.parametrize(
    "name, expected, outcome",
    [
        ("capabilities", ["PIPELINING", "SIZE"], "met"),
        ("capabilities", "pipelining", "met"),
        ("capabilities", ["AUTH PLAIN"], "met"),
        ("capabilities", ["auth plain LOGIN"], "met"),
        ("capabilities", ["AUTH CRAM-MD5"], "unmet"),
        ("capabilities", ["PIPELINING", "DSN"], "unmet"),
        ("capabilities_absent", ["VRFY", "ETRN"], "met"),
        ("capabilities_absent", ["VRFY", "SIZE"], "unmet"),
        ("capabilities_absent", ["AUTH CRAM-MD5"], "met"),
        ("capabilities_absent", ["AUTH LOGIN"], "unmet"),
        ("capabilities_before_tls", ["STARTTLS"], "met"),
        ("capabilities_before_tls", ["AUTH"], "unmet"),
        ("capabilities_before_tls_absent", ["AUTH"], "met"),
        ("capabilities_before_tls_absent", ["STARTTLS"], "unmet"),
        ("auth_mechanisms", ["plain", "LOGIN"], "met"),
        ("auth_mechanisms", ["SCRAM-SHA-256"], "unmet"),
        ("auth_absent_before_tls", True, "met"),
        ("auth_absent_before_tls", False, "unmet"),
        ("tls_version_min", "TLSv1.2", "met"),
        ("tls_version_min", "TLSv1", "met"),
        ("tls_version_min", "TLSv1.3", "unmet"),
        ("certificate_days_left", 30, "met"),
        ("certificate_days_left", 31, "unmet"),
        ("certificate_days_left", 0, "met"),
        ("certificate_names", ["relay.example.com"], "met"),
        ("certificate_names", ["a.mail.example.com", "RELAY.example.com"], "met"),
        ("certificate_names", ["mail.example.com"], "unmet"),
        ("certificate_names", ["relay.example.com", "b.a.mail.example.com"], "unmet"),
        ("dane_valid", True, "met"),
        ("dane_valid", False, "unmet"),
        ("greeting_matches", "^relay\\.example\\.com ESMTP", "met"),
        ("greeting_matches", "Exim", "unmet"),
        ("min_message_size", 1000000, "met"),
        ("min_message_size", 1000001, "unmet"),
        ("max_seconds", 1.25, "met"),
        ("max_seconds", 1, "unmet"),
    ],
)
def test_rules_that_read_facts(name, expected, outcome):
    rule = judged(name, expected)
    assert rule.outcome == outcome
    assert rule.observed is not None
    if outcome == "unmet":
        assert "observed" in rule.text


@pytest.mark.parametrize(
    "name, expected",
    [
        ("capabilities", ["SIZE"]),
        ("capabilities_absent", ["VRFY"]),
        ("capabilities_before_tls", ["STARTTLS"]),
        ("capabilities_before_tls_absent", ["AUTH"]),
        ("auth_mechanisms", ["PLAIN"]),
        ("auth_absent_before_tls", True),
        ("tls_version_min", "TLSv1.2"),
        ("certificate_days_left", 30),
        ("certificate_names", ["relay.example.com"]),
        ("public_key_min_bits", 2048),
        ("dane_valid", True),
        ("greeting_matches", "."),
        ("min_message_size", 1),
        ("max_seconds", 10),
        ("tls_versions_refused", ["TLSv1"]),
        ("tls_required", True),
        ("auth_refused_in_clear", True),
        ("auth_required", "stranger@example.org"),
    ],
)
def test_what_the_facts_do_not_say_is_unknown(name, expected):
    rule = judged(name, expected, NOTHING)
    assert (rule.outcome, rule.observed) == ("unknown", None)
    assert "could not be judged" in rule.text


def test_every_rule_is_tested_here():
    tested = {mark.args[1][index][0]
              for test in (test_rules_that_read_facts, test_what_the_facts_do_not_say_is_unknown)
              for mark in test.pytestmark for index in range(len(mark.args[1]))}  # fmt: skip
    assert set(RULES) - tested == {"codes", "relaying_refused"}  # which have their own tests


def test_no_size_is_no_limit_and_silence_is_unknown():
    assert judged("min_message_size", 10**9, facts(capabilities={"SIZE": ["0"]})).outcome == "met"
    assert judged("min_message_size", 1, facts(capabilities={"SIZE": []})).outcome == "unknown"
    assert judged("min_message_size", 1, facts(capabilities={})).outcome == "unknown"


def test_capabilities_of_a_relay_that_only_knows_helo():
    assert judged("capabilities", ["SIZE"], facts(capabilities={})).outcome == "unmet"
    assert judged("capabilities_absent", ["SIZE"], facts(capabilities={})).outcome == "met"


def test_auth_before_tls_is_seen_in_a_session_without_tls():
    assert judged("auth_absent_before_tls", True, facts(capabilities={"AUTH": ["PLAIN"]})).outcome == "unmet"
    assert judged("auth_absent_before_tls", True, facts(capabilities={"SIZE": []})).outcome == "met"


@pytest.mark.parametrize(
    "name, expected, outcome",
    [
        ("auth_absent_before_tls", True, "met"),
        ("auth_absent_before_tls", False, "unmet"),
        ("capabilities_before_tls_absent", ["AUTH"], "met"),
        ("capabilities_before_tls", ["AUTH"], "unknown"),
    ],
)
def test_under_implicit_tls_nothing_is_offered_before(name, expected, outcome):
    known = facts(capabilities={"AUTH": ["PLAIN"]}, tls=VERIFIED)
    assert judged(name, expected, known).outcome == outcome


def test_a_key_of_which_no_length_is_known_is_not_judged():
    """Such as one on a curve that nobody knows."""
    leaf = LEAF._replace(public_key=LEAF.public_key._replace(algorithm="EC", bits=None))
    rule = judged("public_key_min_bits", {"EC": 256}, facts(tls=VERIFIED._replace(chain=(leaf,))))
    assert rule.outcome == "unknown"
    assert "how long a key of the kind EC is cannot be told" in rule.text


@pytest.mark.parametrize("probe", ["tls_required", "auth_refused_in_clear"])
@pytest.mark.parametrize("expected, outcome", [(True, "met"), (False, "unmet")])
def test_under_implicit_tls_nothing_is_asked_in_clear(probe, expected, outcome):
    """RFC 8314 3.3: TLS begins with the first octet, so that there is no connection to ask in."""
    assert PROBES[probe].judge(expected, [])[:2] == (outcome, "implicit TLS")


def test_a_certificate_that_has_expired():
    expired = facts(tls=VERIFIED._replace(chain=(certificate(days=-0.5),)))
    rule = judged("certificate_days_left", 0, expired)
    assert (rule.outcome, rule.observed) == ("unmet", -1)


@pytest.mark.parametrize("expected, outcome", [({"EC": 256}, "met"), ({"EC": 384}, "unmet"), (2048, "unknown")])
def test_key_sizes_count_by_kind_of_key(expected, outcome):
    """2048 is a size for RSA; this key is on an elliptic curve."""
    assert LEAF.public_key.algorithm.startswith("EC")
    assert judged("public_key_min_bits", expected).outcome == outcome


@pytest.mark.parametrize(
    "expected, outcome", [({"EC": 224}, "met"), ({"EC": 384}, "unmet"), ({"ED25519": 256}, "met"), (2048, "unknown")]
)
def test_a_key_on_an_edwards_curve_is_on_an_elliptic_curve(expected, outcome):
    key = LEAF.public_key._replace(algorithm="Ed25519", bits=256)
    known = facts(tls=VERIFIED._replace(chain=(LEAF._replace(public_key=key),)))
    assert judged("public_key_min_bits", expected, known).outcome == outcome


# Codes


def to(code):
    return RecipientFacts(
        "x%d@example.com" % code, code, None, "", {2: "accepted", 4: "deferred"}.get(code // 100, "rejected")
    )


def codes(expected, known):
    return {
        rule.id: (rule.outcome, rule.observed)
        for rule in evaluate(RULES, parse_expect(RULES, {"codes": expected}), known, {}, NOW)
    }


def test_codes_are_one_rule_a_stage():
    known = facts(codes={"greeting": 220, "ehlo": 250, "auth": 535})
    assert codes({"greeting": 220, "auth": [535, 534], "ehlo": [500], "mail": 250}, known) == {
        "codes.greeting": ("met", [220]),
        "codes.auth": ("met", [535]),
        "codes.ehlo": ("unmet", [250]),
        "codes.mail": ("unknown", None),
    }


@pytest.mark.parametrize(
    "answers, outcome",
    [([550], "met"), ([550, 554], "met"), ([550, 250], "unmet"), ([250], "unmet"), ([450], "unmet"), ([], "unknown")],
)
def test_every_recipient_has_to_answer_as_expected(answers, outcome):
    known = facts(recipients=[to(code) for code in answers])
    assert codes({"rcpt": [550, 554]}, known)["codes.rcpt"] == (outcome, answers or None)


def test_a_refusal_counts_as_expected_only_at_its_stage_and_with_its_code():
    rules = evaluate(RULES, parse_expect(RULES, {"codes": {"rcpt": [550, 554]}}), facts(recipients=[to(550)]), {}, NOW)
    assert _was_expected(Failure("rcpt", "mailbox_unknown", 550), rules)
    assert not _was_expected(Failure("rcpt", "greylisted", 450), rules)
    assert not _was_expected(Failure("mail", "sender_rejected", 550), rules)
    assert not _was_expected(Failure("rcpt", "connection_lost"), rules)
    mixed = evaluate(
        RULES, parse_expect(RULES, {"codes": {"rcpt": [550]}}), facts(recipients=[to(550), to(250)]), {}, NOW
    )
    assert not _was_expected(Failure("rcpt", "mailbox_unknown", 550), mixed)


# Rules that look for themselves


@pytest.mark.parametrize("outcome", ["met", "unmet", "unknown"])
def test_what_a_probe_found_is_what_counts(outcome):
    (rule,) = evaluate(
        RULES, parse_expect(RULES, {"tls_required": True}), NOTHING, {"tls_required": Judged(outcome, 250)}, NOW
    )
    assert (rule.outcome, rule.observed) == (outcome, 250)


def test_a_rule_turned_round_says_so():
    """Met, it would otherwise state the opposite of what was seen; unmet, advise what is there already."""
    (rule,) = evaluate(
        RULES, parse_expect(RULES, {"tls_required": False}), NOTHING, {"tls_required": Judged("unmet", 530)}, NOW
    )
    assert rule.text == "expected: it is not so that MAIL is refused before STARTTLS; observed: 530"
    assert rule.remedy.startswith("Undo this: ")


def found_by(probe, expected, **known):
    return PROBES[probe].judge(expected, [Outcome(facts(**known), (), None, None, 0.0, 0.0)])


def looked(probe, expected, **known):
    found = found_by(probe, expected, **known)
    assert bool(found.reason) is (found.outcome == "unknown"), (
        "what could not be judged says why, and nothing else does"
    )
    return found[:2]


@pytest.mark.parametrize(
    "first, last, expected, outcome",
    [
        (334, 501, True, "unmet"),
        (334, 501, False, "met"),
        (235, 235, True, "unmet"),
        (235, 235, False, "met"),
        (530, 530, True, "met"),
        (503, 503, False, "unmet"),
        (454, 454, True, "unknown"),
        (250, 250, True, "unknown"),
        (None, 421, True, "unknown"),
        (None, None, True, "unknown"),
    ],
)
def test_only_a_refusal_for_good_refuses_auth_in_clear(first, last, expected, outcome):
    codes = {} if last is None else {"auth": last}
    assert looked("auth_refused_in_clear", expected, codes=codes, auth_probe=first) == (outcome, first or last)


@pytest.mark.parametrize(
    "code, text, outcome",
    [
        (250, "", "unmet"),
        (530, "5.7.0 Must issue a STARTTLS command first", "met"),
        (530, "5.7.0 Bitte erst STARTTLS", "met"),
        (554, "5.7.1 TLS is required", "met"),
        (530, "5.7.0 Authentication required", "unknown"),
        (550, "5.7.1 You are on a block list", "unknown"),
        (450, "4.7.1 STARTTLS first", "unknown"),
    ],
)
def test_only_a_demand_for_tls_shows_that_it_is_required(code, text, outcome):
    failure = None if code == 250 else Failure("mail", cause_of("mail", code, None, text), code, text=text)
    assert looked("tls_required", True, codes={"mail": code}, failure=failure) == (outcome, code)


@pytest.mark.parametrize(
    "cause, outcome", [("authentication_required", "met"), ("sender_rejected", "met"), ("tls_required", "unknown")]
)
def test_a_demand_for_tls_does_not_show_that_a_sign_in_is_required(cause, outcome):
    refused = {"codes": {"mail": 530}, "failure": Failure("mail", cause, 530)}
    assert looked("auth_required", "stranger@example.org", **refused) == (outcome, 530)


@pytest.mark.parametrize(
    "code, text, outcome",
    [
        (530, "5.7.0 Authentication required", "met"),
        (554, "5.7.1 <x@example.org>: Relay access denied", "met"),
        (554, "5.7.1 <client.example.org[192.0.2.1]>: Client host rejected: Access denied", "met"),
        (550, "Administrative prohibition", "met"),
        (550, "5.1.1 User unknown in local recipient table", "unknown"),
        (554, "5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org", "unknown"),
        (501, "5.1.3 Bad recipient address syntax", "unknown"),
    ],
)
def test_only_a_refusal_of_strangers_shows_that_a_sign_in_is_required(code, text, outcome):
    failure = Failure("rcpt", cause_of("rcpt", code, None, text), code, text=text)
    assert looked("auth_required", "stranger@example.org", recipients=[to(code)], failure=failure) == (outcome, code)


@pytest.mark.parametrize(
    "stranger, outcome",
    [(550, "met"), (554, "met"), (250, "unmet"), (251, "unmet"), (252, "unmet"), (450, "unknown"), (530, "unknown"),
     (354, "unknown"), (220, "unknown"), (221, "unknown"), (235, "unknown")],
)  # fmt: skip
def test_only_a_refusal_for_good_refuses_to_relay(stranger, outcome):
    answers = [to(250), to(stranger)]
    assert looked("relaying_refused", {}, recipients=answers) == (outcome, [250, stranger])


@pytest.mark.parametrize(
    "reply, outcome",
    [("454 4.7.1 <x@example.net>: Relay access denied", "met"), ("454 4.3.0 Temporary failure", "unknown"),
     ("451 4.7.1 Relaying temporarily denied. Cannot resolve PTR record", "unknown")],
)  # fmt: skip
def test_postfix_puts_strangers_off_for_ever_by_default(reply, outcome):
    """defer_unauth_destination: what it says is that it does not relay, whatever the code."""
    found = found_by("relaying_refused", {}, recipients=answered("250 2.1.5 Ok", reply))
    assert found.outcome == outcome
    refused = Failure("rcpt", cause_of("rcpt", int(reply[:3]), None, reply[4:]), int(reply[:3]), text=reply[4:])
    found = found_by("auth_required", "x@example.net", recipients=answered(reply), failure=refused)
    assert found.outcome == outcome


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.2 Domain does not exist. Your session: certificate not verified",
        "550 5.7.5 The next hop's certificate has expired",
    ],
)
def test_a_certificate_makes_no_refusal_to_relay_of_one_that_is_none(reply):
    """An open relay that looks up where mail would go refuses so."""
    assert found_by("relaying_refused", {}, recipients=answered("250 2.1.5 Ok", reply)).outcome == "unknown"


@pytest.mark.parametrize("reply", ["550 5.1.1 No such user. TLS certificate: self-signed"])
def test_nor_one_of_whoever_has_not_signed_in(reply):
    refused = Failure("rcpt", cause_of("rcpt", 550, None, reply[4:]), 550, text=reply[4:])
    assert found_by("auth_required", "x@example.net", recipients=answered(reply), failure=refused).outcome == "unknown"


GREYLISTING = "The relay puts unknown senders off for some minutes: greylisting (RFC 6647)"


def answered(*replies):
    return [
        RecipientFacts("x@example.com", int(text[:3]), None, text[4:], "accepted" if text[0] == "2" else "rejected")
        for text in replies
    ]


@pytest.mark.parametrize(
    "replies, reason, cause",
    [
        (["450 4.2.0 Greylisted, come back", "554 5.7.1 Relay access denied"],
         "the control recipient was answered 450 4.2.0 Greylisted, come back. " + GREYLISTING, "greylisted"),
        (["550 5.1.1 User unknown", "554 5.7.1 Relay access denied"],
         "the control recipient was answered 550 5.1.1 User unknown. The relay knows no mailbox of this address",
         "mailbox_unknown"),
        (["250 2.1.5 Ok", "450 4.7.1 Greylisted"],
         "the recipient was answered 450 4.7.1 Greylisted. " + GREYLISTING, "greylisted"),
    ],
)  # fmt: skip
def test_why_it_is_not_known_whether_strangers_are_refused(replies, reason, cause):
    """The control decides it, though the refusal of the other, for good, would decide a verdict."""
    refused = Failure("rcpt", "relay_denied", 554, "5.7.1", "Relay access denied")
    found = found_by("relaying_refused", {}, recipients=answered(*replies), failure=refused)
    assert (found.outcome, found.reason, found.failure.cause) == ("unknown", reason, cause)


@pytest.mark.parametrize(
    "failure, reason",
    [
        (Failure("mail", "greylisted", 450, "4.7.1", "4.7.1 Later"), "the envelope was answered 450 4.7.1 Later. "),
        (Failure("connect", "connection_refused", text="Connection refused"),
         "the connection for it ended at connect: Connection refused. "),
        (Failure("rcpt", "timed_out"), "the connection for it ended at rcpt. "),
        (None, "the envelope was answered by nothing that decides it"),
    ],
)  # fmt: skip
def test_a_connection_that_did_not_come_so_far_is_the_reason(failure, reason):
    assert found_by("relaying_refused", {}, failure=failure).reason.startswith(reason)


@pytest.mark.parametrize(
    "host, sender, rule, asked",
    [
        ("relay.example.com", "app@example.com", {}, True),
        ("192.0.2.1", "", {}, True),
        ("notexample.net", "", {}, True),
        ("Relay.Example.NET.", "", {}, False),
        ("example.net", "", {}, False),
        ("relay.example.com", "app@example.net", {}, False),
        ("relay.example.com", "app@example.net", {"sender": "x@example.org"}, True),
        ("relay.example.com", "", {"sender": "x@example.net"}, True),  # a stranger, too
        ("relay.example.com", "", {"control_recipient": "postmaster@example.net"}, False),
        ("relay.example.com", "", {"control_recipient": "postmaster"}, True),
    ],
)
def test_a_recipient_whom_the_relay_may_serve_is_no_stranger(host, sender, rule, asked):
    """Whatever it answered would say nothing of relaying: nothing is asked, and nothing shown as good or bad."""
    expected = {"recipient": "x@example.net", "control_recipient": "postmaster@example.com", **rule}
    probe = PROBES["relaying_refused"]
    trials = probe.trials(expected, request_for().endpoint._replace(host=host), sender)
    assert bool(trials) is asked
    if not asked:
        found = probe.judge(expected, [])
        assert found.outcome == "unknown" and "name a stranger's" in found.reason


def test_which_version_could_not_be_asked_for():
    refused, unavailable = (Failure("tls", cause) for cause in ("tls_version_mismatch", "tls_version_unavailable"))
    outcomes = [Outcome(facts(failure=failure), (), None, None, 0.0, 0.0) for failure in (refused, unavailable)]
    found = PROBES["tls_versions_refused"].judge(["TLSv1", "TLSv1.1"], outcomes)
    assert (found.outcome, found.observed) == ("unknown", {"TLSv1": "refused", "TLSv1.1": "not_tried"})
    assert found.reason.startswith("the connection for it ended at tls. ")


@pytest.mark.parametrize("code", [220, 221, 235, 253])
def test_a_2yz_that_is_no_success_decides_no_rule(code):
    """RFC 5321 4.3.2"""
    mail = {"codes": {"mail": code}, "failure": Failure("mail", "protocol_violation", code)}
    assert looked("tls_required", True, **mail) == ("unknown", code)
    assert looked("auth_required", "stranger@example.org", recipients=[to(code)]) == ("unknown", code)
    assert looked("relaying_refused", {}, recipients=[to(code), to(550)]) == ("unknown", [code, 550])


def test_every_rule_names_a_stage():
    assert {kind.stage for kind in RULES.values()} <= set(STAGES)
    (rule,) = evaluate(RULES, {"capabilities": ["X"]}, OFFERS, {}, NOW)
    assert rule.stage == "ehlo"
    (rule,) = evaluate(RULES, parse_expect(RULES, {"codes": {"rcpt": [550]}}), facts(recipients=[to(550)]), {}, NOW)
    assert rule.stage == "rcpt"


# What `expect` may hold


@pytest.mark.parametrize(
    "name, meant",
    [("capabilites", "capabilities"), ("tls_min_version", "tls_version_min"),
     ("certificate_day_left", "certificate_days_left"), ("code", "codes"), ("auth_mechanism", "auth_mechanisms"), ("relaying_refuse", "relaying_refused")],
)  # fmt: skip
def test_an_unknown_rule_suggests_the_nearest(name, meant):
    with pytest.raises(OptionError, match="Did you mean %s\\?" % meant) as error:
        parse_expect(RULES, {name: 1})
    assert error.value.option == "expect." + name


def test_an_unknown_rule_like_no_other_lists_them_all():
    with pytest.raises(OptionError, match=r"Known: .*certificate_days_left"):
        parse_expect(RULES, {"zzz": 1})


@pytest.mark.parametrize("name", [5, None, ("a",)])
def test_the_name_of_a_rule_may_be_any_nonsense(name):
    with pytest.raises(OptionError, match="no such rule"):
        parse_expect(RULES, {name: 1})


def test_a_rule_without_a_value_does_not_apply():
    assert parse_expect(RULES, {"capabilities": None, "max_seconds": 3}) == {"max_seconds": 3}


@pytest.mark.parametrize(
    "name, value",
    [
        ("capabilities", []),
        ("capabilities", [""]),
        ("capabilities", " "),
        ("capabilities", 5),
        ("capabilities", ["SIZE", 5]),
        ("capabilities", {"SIZE": 1}),
        ("auth_absent_before_tls", "yes"),
        ("auth_absent_before_tls", 1),
        ("tls_version_min", "1.2"),
        ("tls_version_min", 1.2),
        ("tls_version_min", ["TLSv1.2"]),
        ("certificate_days_left", "30"),
        ("certificate_days_left", -1),
        ("certificate_days_left", True),
        ("certificate_days_left", math.nan),
        ("max_seconds", [3]),
        ("public_key_min_bits", "2048"),
        ("public_key_min_bits", {"RSA": "2048"}),
        ("public_key_min_bits", True),
        ("greeting_matches", "("),
        ("greeting_matches", 5),
        ("greeting_matches", "a{99999999999999999999}"),
        ("codes", [550]),
        ("codes", 550),
        ("codes", {"rcpt": []}),
        ("codes", {"rcpt": None}),
        ("codes", {"rcpt": [99]}),
        ("codes", {"rcpt": [600]}),
        ("codes", {"rcpt": ["55x"]}),
        ("codes", {"rcpt": [550, math.inf]}),
        ("codes", {"recipient": 550}),
        ("codes", {"tls": 550}),
        ("codes", {5: 550}),
    ],
)
def test_a_value_of_the_wrong_form(name, value):
    with pytest.raises(OptionError) as error:
        parse_expect(RULES, {name: value})
    assert error.value.option.startswith("expect." + name)


def test_the_normal_form():
    assert parse_expect(
        RULES, {"codes": {"rcpt": "550", "mail": [250, "251"]}, "capabilities": "DSN", "public_key_min_bits": 2048}
    ) == {"codes": {"rcpt": [550], "mail": [250, 251]}, "capabilities": ["DSN"], "public_key_min_bits": {"RSA": 2048}}


@pytest.mark.parametrize("address, doubtful", [
    ("192.168.1.7", True), ("127.0.0.1", True), ("fe80::1%eth0", True), ("11.22.33.44", False), (None, False),
])  # fmt: skip
@pytest.mark.parametrize("probe, expected", [("relaying_refused", {}), ("auth_required", "a@example.com")])
def test_who_asks_from_within_is_told_that_a_relay_may_be_right_to_accept(probe, expected, address, doubtful):
    outcome = Outcome(facts(recipients=[to(250), to(250)]), (), None, address, 0.0, 0.0)
    found = PROBES[probe].judge(expected, [outcome])
    assert (found.outcome, "ask from outside" in found.seen) == ("unmet", doubtful)


@pytest.mark.parametrize("probe, expected, known, seen", [
    ("relaying_refused", {"recipient": "b@example.net", "control_recipient": "a@example.com"},
     {"recipients": [to(250), to(250)]}, "the stranger's recipient was accepted: 250"),
    ("tls_required", True, {"codes": {"mail": 250}}, "MAIL was accepted in clear: 250"),
    ("auth_refused_in_clear", True, {"codes": {"auth": 235}}, "AUTH was accepted in clear: 235"),
    ("auth_required", "a@example.com", {"recipients": [to(250)]},
     "the recipient was accepted without a sign-in: 250"),
])  # fmt: skip
def test_what_was_seen_is_said_in_words(probe, expected, known, seen):
    found = found_by(probe, expected, **known)
    (rule,) = evaluate(RULES, {probe: expected}, NOTHING, {probe: found}, NOW)
    assert (found.outcome, found.seen) == ("unmet", seen)
    assert rule.text.endswith("; observed: " + seen)
