# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Whether senders of three kinds deliver to a relay: DANE before MTA-STS before opportunistic TLS.

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dane import look_up_dane
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.delivery import SeenRelay, deliveries
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mta_sts.evaluate import (
    given_policy,
    judge_mta_sts,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mta_sts.record import look_up_mta_sts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import (
    INSECURE,
    NOT_DETERMINED,
    SECURE,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.https import Fetched
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.chains import issue
from ansible_collections.postmaster.mailcheck.tests.support.published import BAD_SIGNATURE, NO_DATA, SERVFAIL, zone
from ansible_collections.postmaster.mailcheck.tests.support.script import VERIFIED

HOST, DOMAIN = "mx1.example.com", "example.com"
LEAF = issue(None, HOST)
RIGHT = "3 0 1 " + hashlib.sha256(LEAF.der).hexdigest()
WRONG = "3 0 1 " + "00" * 32
UNUSABLE = "1 0 1 " + "00" * 32
ENFORCE = "version: STSv1\nmode: enforce\nmx: %s\nmax_age: 604800\n" % HOST

GOOD = SeenRelay(HOST, True, VERIFIED._replace(sent=(LEAF.der,)), "")
UNTRUSTED = GOOD._replace(tls=GOOD.tls._replace(verified=False, verify_errors=("certificate_self_signed",)))
NOT_JUDGED = GOOD._replace(tls=GOOD.tls._replace(verified=None, verify_errors=("not_determined",)))
IN_CLEAR = SeenRelay(HOST, False, None, "")
BROKEN_TLS = SeenRelay(HOST, True, None, "tls_protocol_error: OpenSSL says UNEXPECTED_MESSAGE")
UNREACHABLE = SeenRelay(HOST, None, None, "connection_timed_out: no answer from 192.0.2.25 within 10 s")
NO_ROUTE = SeenRelay(HOST, None, None, "network_unreachable: no route to 2001:db8::25", ours=True)
CUT_SHORT = SeenRelay(HOST, True, None, "deadline_reached: the task's time was up", ours=True)


def dane_of(tlsa, dnssec=SECURE):
    answers = zone({HOST + " A": ["192.0.2.25"], "_25._tcp.%s TLSA" % HOST: tlsa}, dnssec)
    return play(look_up_dane([HOST], dnssec), answers)[0]


def mta_sts_of(record=("v=STSv1; id=a",), fetched=None, text=ENFORCE):
    announced = play(look_up_mta_sts(DOMAIN), zone({"_mta-sts.example.com TXT": record if hasattr(record, "state") else list(record)}))  # fmt: skip
    return judge_mta_sts(DOMAIN, announced, fetched or given_policy(text), [HOST])


NO_DANE, NO_STS = dane_of(NO_DATA), mta_sts_of(NO_DATA, Fetched(cause="name_not_found", text="x"))
DANE, STS = dane_of([RIGHT]), mta_sts_of()


def outcomes(relay, dane=NO_DANE, mta_sts=NO_STS):
    found = deliveries(relay, DOMAIN, dane, mta_sts)
    assert [one.sender for one in found] == ["dane", "mta_sts", "opportunistic"]
    assert all(one.because for one in found)
    return tuple(one.outcome for one in found)


def because(sender, *about):
    return next(one.because for one in deliveries(about[0], DOMAIN, *about[1:]) if one.sender == sender)


# DANE (RFC 7672 2.1, 2.2), MTA-STS (RFC 8461 5), neither (RFC 7435). Whoever honours one thing falls back to less
# only where there is nothing to honour.
@pytest.mark.parametrize(("relay", "dane", "mta_sts", "expected"), [
    # nothing is published
    (GOOD, NO_DANE, NO_STS, ("delivers", "delivers", "delivers")),
    (UNTRUSTED, NO_DANE, NO_STS, ("delivers", "delivers", "delivers")),
    (IN_CLEAR, NO_DANE, NO_STS, ("delivers", "delivers", "delivers")),
    (BROKEN_TLS, NO_DANE, NO_STS, ("unknown", "unknown", "unknown")),  # some go on in clear, others defer
    (UNREACHABLE, NO_DANE, NO_STS, ("defers", "defers", "defers")),
    (NO_ROUTE, NO_DANE, NO_STS, ("unknown", "unknown", "unknown")),  # from elsewhere there may be one
    (CUT_SHORT, NO_DANE, NO_STS, ("unknown", "unknown", "unknown")),
    # what is on our side decides nothing, whatever is published
    (NO_ROUTE, DANE, STS, ("unknown", "unknown", "unknown")),
    (CUT_SHORT, DANE, STS, ("unknown", "unknown", "unknown")),
    (CUT_SHORT, dane_of(SERVFAIL), NO_STS, ("unknown", "unknown", "unknown")),
    (CUT_SHORT, dane_of(BAD_SIGNATURE), NO_STS, ("defers", "unknown", "unknown")),
    (IN_CLEAR._replace(ours=True), DANE, STS, ("defers", "defers", "delivers")),
    (GOOD._replace(ours=True), DANE, STS, ("delivers", "delivers", "delivers")),  # the time was up behind the handshake
    # DANE
    (UNTRUSTED, DANE, NO_STS, ("delivers", "delivers", "delivers")),
    (GOOD, dane_of([WRONG]), NO_STS, ("defers", "delivers", "delivers")),
    (GOOD, dane_of([WRONG, RIGHT]), NO_STS, ("delivers", "delivers", "delivers")),
    (IN_CLEAR, DANE, NO_STS, ("defers", "delivers", "delivers")),
    (BROKEN_TLS, DANE, NO_STS, ("defers", "unknown", "unknown")),
    (UNREACHABLE, DANE, NO_STS, ("defers", "defers", "defers")),
    (GOOD._replace(tls=VERIFIED), DANE, NO_STS, ("unknown", "delivers", "delivers")),  # the chain could not be read
    (UNTRUSTED, dane_of([UNUSABLE]), NO_STS, ("delivers", "delivers", "delivers")),  # TLS, nobody authenticated
    (IN_CLEAR, dane_of([UNUSABLE]), NO_STS, ("defers", "delivers", "delivers")),
    (GOOD, dane_of(BAD_SIGNATURE), NO_STS, ("defers", "delivers", "delivers")),
    # RFC 7672 2.1 is about the sender's own look-up: that ours failed does not say what becomes of it
    (GOOD, dane_of(SERVFAIL), NO_STS, ("unknown", "delivers", "delivers")),
    (GOOD, dane_of([RIGHT], NOT_DETERMINED), NO_STS, ("unknown", "delivers", "delivers")),
    (GOOD, dane_of([WRONG], INSECURE), NO_STS, ("delivers", "delivers", "delivers")),
    # MTA-STS
    (GOOD, NO_DANE, STS, ("delivers", "delivers", "delivers")),
    (UNTRUSTED, NO_DANE, STS, ("delivers", "defers", "delivers")),
    (NOT_JUDGED, NO_DANE, STS, ("delivers", "unknown", "delivers")),
    (IN_CLEAR, NO_DANE, STS, ("delivers", "defers", "delivers")),
    (BROKEN_TLS, NO_DANE, STS, ("unknown", "defers", "unknown")),
    (UNREACHABLE, NO_DANE, STS, ("defers", "defers", "defers")),
    (GOOD, NO_DANE, mta_sts_of(text=ENFORCE.replace("mx1", "mx2")), ("delivers", "defers", "delivers")),
    (UNTRUSTED, NO_DANE, mta_sts_of(text=ENFORCE.replace("enforce", "testing")), ("delivers", "delivers", "delivers")),
    (UNTRUSTED, NO_DANE, mta_sts_of(text=ENFORCE.replace("STSv1", "STSv2")), ("delivers", "delivers", "delivers")),
    (UNTRUSTED, NO_DANE, mta_sts_of(fetched=Fetched(status=404)), ("delivers", "delivers", "delivers")),
    (UNTRUSTED, NO_DANE, mta_sts_of(SERVFAIL), ("delivers", "unknown", "delivers")),
    (GOOD, NO_DANE, mta_sts_of(fetched=Fetched(cause="deadline_reached", text="x")), ("delivers", "unknown", "delivers")),
    (GOOD, None, None, ("unknown", "unknown", "delivers")),  # not looked at
    # both: each is asked for what it honours
    (UNTRUSTED, DANE, STS, ("delivers", "defers", "delivers")),
    (GOOD, dane_of([WRONG]), STS, ("defers", "delivers", "delivers")),
])  # fmt: skip
def test_who_delivers(relay, dane, mta_sts, expected):
    assert outcomes(relay, dane, mta_sts) == expected


def test_why():
    assert "3 0 1 0000000000000000" in because("dane", GOOD, dane_of([WRONG]), NO_STS)
    assert "SERVFAIL" in because("dane", GOOD, dane_of(SERVFAIL), NO_STS)
    assert "STARTTLS" in because("dane", IN_CLEAR, DANE, NO_STS)
    assert "certificate_self_signed" in because("mta_sts", UNTRUSTED, NO_DANE, STS)
    assert "does not cover" in because("mta_sts", GOOD, NO_DANE, mta_sts_of(text=ENFORCE.replace("mx1", "mx2")))
    assert "no answer from 192.0.2.25" in because("opportunistic", UNREACHABLE, NO_DANE, NO_STS)
    assert "clear" in because("opportunistic", IN_CLEAR, NO_DANE, NO_STS)
    assert "no policy" in because("mta_sts", GOOD, NO_DANE, NO_STS)


def test_as_a_sentence():
    sentence = deliveries(IN_CLEAR, DOMAIN, DANE, STS)[0].sentence
    assert sentence.startswith("a sender that honours DANE defers, because mx1.example.com does not offer STARTTLS")
    assert deliveries(GOOD, DOMAIN, DANE, STS)[2].sentence.startswith(
        "a sender that honours nothing delivers, because "
    )
    unknown = deliveries(GOOD, DOMAIN, None, None)[1].sentence
    assert unknown.startswith("whether a sender that honours MTA-STS delivers is not known, because ")


def test_the_mail_domain_is_a_name_too():
    """RFC 7672 3.2.2: a certificate below an authority may be for the domain itself."""
    root = issue(None, subject="Own Root", authority=True)
    leaf = issue(root, DOMAIN)
    relay = GOOD._replace(tls=VERIFIED._replace(sent=(leaf.der, root.der)))
    named = dane_of(["2 0 1 " + hashlib.sha256(root.der).hexdigest()])
    assert outcomes(relay, named)[0] == "delivers"
    assert deliveries(relay, "other.example", named, NO_STS)[0].outcome == "defers"
