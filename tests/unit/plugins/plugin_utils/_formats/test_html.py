# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The page, as a reader of HTML sees it. In a browser it is tested by tests/real.

from __future__ import annotations

import hashlib
import re

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.html import as_html
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.json import as_json
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import load_profiles
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment
from ansible_collections.postmaster.mailcheck.tests.support import assessments
from ansible_collections.postmaster.mailcheck.tests.support.assessments import WAIVERS, mixed
from ansible_collections.postmaster.mailcheck.tests.support.fleet import forty
from ansible_collections.postmaster.mailcheck.tests.support.page import elements
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, EVIL, big_result, relay, result, rule


@pytest.fixture(scope="module")
def evil() -> Assessment:
    return assessments.evil()


def test_nothing_that_is_said_becomes_an_element(evil: Assessment) -> None:
    said, plain = (
        elements(as_html(evil)),
        elements(as_html(mixed("plain", waivers=WAIVERS, previous=mixed()))),
    )
    assert set(said.tags) <= set(plain.tags)
    assert "img" not in said.tags and "onerror" not in said.attributes
    assert len(said.scripts) == 1
    assert said.scripts == plain.scripts


def test_names_of_rules_and_labels_are_words_like_any_other() -> None:
    row = relay(
        EVIL, [rule(EVIL, "unmet", document=EVIL, reason=EVIL), rule(EVIL + "2", "unknown")], labels={EVIL: EVIL}
    )
    assert "img" not in elements(as_html(assess(result(row), today=DAY))).tags


def test_whoever_looked_is_told_in_words_too() -> None:
    found = {
        **result(relay(local_address=EVIL, recipients=[{"address": EVIL}], sender=EVIL)),
        "engine": {"host": EVIL, "version": EVIL},
    }
    page = as_html(assess(found, today=DAY))
    assert "img" not in elements(page).tags
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") >= 5


def test_the_page_asks_for_nothing(evil: Assessment) -> None:
    page = elements(as_html(evil))
    assert not set(page.attributes) & {"src", "srcset", "style", "action", "ping"}
    assert not {"link", "iframe", "object", "base", "image", "use", "foreignobject"} & set(page.tags)
    assert page.links and all(link.startswith("#") for link in page.links)
    assert "{{" not in as_html(mixed())


def test_every_link_leads_somewhere() -> None:
    text = as_html(forty())
    targets = re.findall(r' id="([^"]+)"', text)
    assert len(targets) == len(set(targets))
    assert {link[1:] for link in elements(text).links} <= set(targets)


def test_the_page_holds_all_that_is_known() -> None:
    assessment = assess(big_result(50, 20), today=DAY)
    text = as_html(assessment)
    assert text.count('class="subject ') == 50
    assert text.count('<tr><th scope="row">rule_<wbr>') == 50 * 20 + 20  # in the details, and once among all rules
    assert text.count('class="o met">met</td>') == 50 * 21 - assessment["summary"]["rules"]["unmet"]


def test_a_remedy_is_told_once_above_all_relays_that_need_it() -> None:
    rows = [relay(f"r{index}.example.com", [rule("one", "unmet")]) for index in range(40)]
    todo = as_html(assess(result(*rows), today=DAY)).partition('id="todo"')[2].partition("</section>")[0]
    assert todo.count("Set one.") == 1
    assert "40 relays" in todo
    assert all(f'">r{index}.<wbr>example.<wbr>com<span class="port">:25</span></a>' in todo for index in range(40))


def test_a_waived_breach_is_not_told_as_failed() -> None:
    waiver = {"rule": "one", "endpoint": "*", "reason": "why", "owner": "ops", "expires": "2099-01-01"}
    text = as_html(assess(result(relay(rules=[rule("one", "unmet")])), waivers=[waiver], today=DAY))
    assert 'class="chip waived">waived' in text
    assert 'class="chip failed"' not in text


def test_the_page_names_the_sum_of_the_json_beside_it() -> None:
    assessment = forty()
    assert hashlib.sha256(as_json(assessment).encode()).hexdigest() in as_html(assessment)


def test_a_rules_own_connections_are_told_with_it() -> None:
    said = [{"at": 0.5, "from": "client", "text": "MAIL FROM:<>", "tls": False}]
    told = [{"at": 0.6, "from": "server", "text": "250-one\n250 two", "tls": True}]
    text = as_html(assess(result(relay(rules=[rule("one", dialogues=[said, told])])), today=DAY))
    assert "What was said: For one, 1 line</summary>" in text
    assert "   0.500     &gt; MAIL FROM:&lt;&gt;</pre>" in text
    assert "   0.600 TLS &lt; 250-one\n               250 two</pre>" in text


HOP = {
    "from": "<img src=x>", "address": None, "by": "mx.example.net", "with": "ESMTPS", "tls": True, "id": None,
    "tls_version": "TLSv1.3", "cipher": None, "local": False, "time": None, "delay": None,
}  # fmt: skip


def test_the_way_of_mail_is_drawn_hop_by_hop() -> None:
    hops = [HOP, {**HOP, "by": "store.example.net", "tls": False, "delay": 2.0}, {**HOP, "local": True, "delay": -1.0}]
    report = {
        "name": "arrival", "host": "imap.example.net", "port": 993, "verdict": "passed", "msg": "", "mailbox_state": {},
        "trace": {"hops": hops, "seconds": None, "encrypted": False, "problems": ["clock skew: of a second"]},
    }  # fmt: skip
    page = as_html(assess({"endpoints": [report]}))
    assert "<h2>The way of the mail: arrival:993</h2>" in page
    assert "<li><span>&lt;img src=x&gt;</span></li>" in page
    for leg, by in (
        ('leg">TLSv1.3', "mx.example.net"),
        ('leg unmet">in clear, +2 s', "store.example.net"),
        ('leg">within one host, -1 s', "mx.example.net"),
    ):
        assert '<li><span class="%s</span><span>%s</span></li>' % (leg, by) in page
    assert "<p>clock skew: of a second</p>" in page


def test_a_page_without_mail_has_no_way() -> None:
    assert "The way of the mail" not in as_html(mixed())


def test_the_page_says_what_a_profile_is_for() -> None:
    page = as_html(assess(result(relay()), profile=load_profiles(["relay"]), today=DAY))
    assert "<b>relay</b>: Internal smarthost. A relay that takes mail from its own network" in page


def test_no_chart_is_about_certificates_and_versions_where_no_relay_has_tls() -> None:
    without, with_tls = (as_html(assess(result(relay(**more)), today=DAY)) for more in ({"tls": None}, {}))
    for title in ("When certificates expire", "TLS versions"):
        assert title in with_tls and title not in without


def test_of_two_codes_the_page_says_whose_is_which() -> None:
    page = as_html(assess(result(relay(rules=[rule("relaying_refused", observed=[250, 554])])), today=DAY))
    assert "the control recipient was answered 250, the stranger&#39;s 554" in page


def test_what_is_to_be_typed_is_shown_as_code_and_nothing_else_is_made_of_it() -> None:
    typed = rule("one", "unmet", remedy="Look at `ss -ltn <x>`, not at that.")
    page = as_html(assess(result(relay("a.example.com", [typed])), today=DAY))
    assert page.count("Look at <code>ss -ltn &lt;x&gt;</code>, not at that.") == 2  # what to do, and the details


def test_the_details_say_the_name_once() -> None:
    page = as_html(assess(result(relay("a.example.com"), relay("b.example.com", msg="a thing: happened")), today=DAY))
    assert '<span class="soft">passed</span></summary>' in page
    assert '<span class="soft">a thing: happened</span></summary>' in page


def test_what_failed_checks_left_open_is_a_card_with_a_heading() -> None:
    rows = [relay("a.example.com", [rule("one", "unknown")], verdict="unreachable",
                  failure={"stage": "connect", "cause": "connect_timeout", "code": None, "text": "", "hint": "x"})]  # fmt: skip
    page = as_html(assess(result(*rows), today=DAY))
    assert '</span> What failed checks did not come to <span class="count">1 relay</span>' in page
