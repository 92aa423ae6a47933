# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What every evaluator owes, whatever is published: it ends, its facts are plain values, and they are safe to print.

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.bimi import look_up_bimi
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.blocklists import look_up_blocklists
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.caa import look_up_caa
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dkim import look_up_dkim
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dmarc.policy import Dmarc, look_up_dmarc
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dnssec import look_up_dnssec
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mx import look_up_exchangers
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.reverse import look_up_reverse
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.tls_rpt import look_up_tls_rpt
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import Caa, Mx
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import printable
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.published import BAD_SIGNATURE, NO_DATA, SERVFAIL, zone

NO_DMARC = Dmarc("absent", "", None, ())
EVALUATORS = {
    "mx": lambda: look_up_exchangers("example.com"),
    "dnssec": lambda: look_up_dnssec("example.com", ["mx.example.com"]),
    "tls_rpt": lambda: look_up_tls_rpt("example.com"),
    "dkim": lambda: look_up_dkim("example.com", ["s1"]),
    "dmarc": lambda: look_up_dmarc("example.com"),
    "bimi": lambda: look_up_bimi("example.com", NO_DMARC),
    "caa": lambda: look_up_caa(["mx.example.com"]),
    "reverse": lambda: look_up_reverse(["192.0.2.25", "2001:db8::25"]),
    "blocklists": lambda: look_up_blocklists(["list.example"], ["192.0.2.25"]),
}
each = pytest.mark.parametrize("name", sorted(EVALUATORS))
TAGS = [
    "v=DMARC1",
    "v=TLSRPTv1",
    "v=BIMI1",
    "v=DKIM1",
    "p=none",
    "p=",
    "rua=mailto:a@b.example",
    "k=rsa",
    "sp=x",
    "t=y",
]
TEXTS = st.lists(st.one_of(st.sampled_from(TAGS), st.text(max_size=20)), max_size=6).map(";".join)
STRINGS = st.one_of(TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary(max_size=60))
ADDRESSES = {"A": st.ip_addresses(v=4).map(str), "AAAA": st.ip_addresses(v=6).map(str)}
RECORDS = {
    "TXT": st.tuples(STRINGS),
    "MX": st.builds(Mx, st.integers(0, 65535), st.text(max_size=20)),
    "CAA": st.builds(Caa, st.integers(0, 255), st.text(max_size=9), st.text(max_size=20)),
    **ADDRESSES,
}


class Anything:
    """A table in which every name has an answer, drawn when it is asked for."""

    def __init__(self, data):
        self.data = data

    def get(self, question, otherwise):
        kind = question[1]
        fault = self.data.draw(st.sampled_from([None, None, SERVFAIL, BAD_SIGNATURE, NO_DATA, otherwise]))
        if fault is not None:
            return fault
        records = self.data.draw(st.lists(RECORDS.get(kind, st.text(max_size=20)), min_size=1, max_size=3))
        answer = zone({"x " + kind: NO_DATA})["x", kind]
        return answer._replace(state="present", records=tuple(records), exists=True)


def look_at(value):
    """Walk through facts: plain values only, and what is said is printable."""
    if isinstance(value, dict):
        for entry in value.values():
            look_at(entry)
    elif isinstance(value, tuple):
        assert value.__class__ is tuple or value._fields
        for entry in value:
            look_at(entry)
    else:
        assert value is None or isinstance(value, (str, int, bool))
        assert not isinstance(value, str) or printable(value) == value


def states(value):
    if isinstance(value, dict):
        value = tuple(value.values())
    if hasattr(value, "state"):
        yield value
    if isinstance(value, tuple):
        for entry in value:
            yield from states(entry)


@each
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_whatever_is_answered(name, data):
    facts = play(EVALUATORS[name](), Anything(data))
    look_at(facts)
    for fact in states(facts):
        assert fact.state in ("present", "absent", "bogus", "not_determined")
        # What is present is valid, or not, or it is said why nobody knows.
        assert bool(fact.reason) == (fact.state != "absent" and fact.valid is None)
        assert fact._fields[:4] == ("state", "reason", "valid", "problems")
        assert fact.state == "present" or fact.valid is None
        if any(problem.level == "error" for problem in fact.problems):
            assert fact.valid is not True


@each
def test_without_an_answer_nothing_is_present_and_nothing_absent(name):
    class Silent:
        def get(self, question, otherwise):
            return SERVFAIL

    facts = play(EVALUATORS[name](), Silent())
    assert {fact.state for fact in states(facts)} == {"not_determined"}
