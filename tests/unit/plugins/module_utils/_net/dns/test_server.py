# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# One name server as it is known in a run: how many ask it at a time, and what its answers are worth.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.messages import Reply
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import (
    Answer,
    Question,
    not_determined,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.server import Server
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.servers import NameServer

ROOT = Question("", "NS")
MAIL = Question("mail.example", "MX")


def server_that(says=None, probed=None):
    """A server; `says` is its answer about the root."""
    server = Server(NameServer("192.0.2.1"), [].append if probed is None else probed.append)
    if says is not None:
        server.probed(says)
    return server


VALIDATES = Answer(ROOT, "present", dnssec="secure", exists=True)
DOES_NOT = VALIDATES._replace(dnssec="insecure")
NOBODY_KNOWS = not_determined(ROOT, "REFUSED from 192.0.2.1")


# Turns


def test_sixty_four_questions_at_a_time():
    server, visits = server_that(), []

    def visit(number):
        return lambda: visits.append(number) or True

    for number in range(70):
        server.enter(visit(number))
    assert visits == list(range(64))
    server.leave()
    server.leave()
    assert visits == list(range(66))
    for _time in range(66):
        server.leave()
    assert visits == list(range(70))


def test_who_does_not_take_its_turn_uses_up_none():
    server, visits = server_that(), []
    for number in range(200):
        server.enter(lambda number=number: visits.append(number))
    assert visits == list(range(200))
    for _time in range(70):
        server.enter(lambda: visits.append(True) or True)
    assert len(visits) == 264


def test_a_server_is_probed_once_when_the_first_question_goes_out():
    probed = []
    server = server_that(probed=probed)
    assert probed == []
    server.enter(lambda: False)
    assert probed == []
    server.enter(lambda: True)
    server.enter(lambda: True)
    assert probed == [server]


# Whether it validates


def test_who_waits_for_the_probe_goes_on_with_it():
    server, went_on = server_that(), []
    server.when_probed(lambda: went_on.append(1))
    server.when_probed(lambda: went_on.append(2))
    assert went_on == []
    server.probed(VALIDATES)
    assert went_on == [1, 2]
    server.when_probed(lambda: went_on.append(3))
    assert went_on == [1, 2, 3]


@pytest.mark.parametrize(
    ("root", "validates"),
    [
        (None, None),
        (VALIDATES, True),
        (VALIDATES._replace(state="absent"), True),
        (DOES_NOT, False),
        (DOES_NOT._replace(state="absent"), False),
        (NOBODY_KNOWS, None),
        (Answer(ROOT, "bogus", dnssec="bogus"), None),
    ],
)
def test_a_server_validates_if_it_says_so_of_the_root(root, validates):
    assert server_that(root).facts() == ("192.0.2.1", "network", validates, False)


def test_what_is_known_of_the_path():
    assert Server(NameServer("127.0.0.53", 5353, True), [].append).facts()[:2] == ("127.0.0.53:5353", "loopback")


SECURE = Answer(MAIL, "present", ((10, "a.example"),), "secure", True)
NO_WORD = "this resolver (192.0.2.1) does not validate"
NOT_KNOWN = "it is not known whether this resolver (192.0.2.1) validates: REFUSED from 192.0.2.1"


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("dnssec", ["secure", "insecure"])
def test_who_does_not_validate_has_no_say_in_dnssec(state, dnssec):
    answer = SECURE._replace(state=state, dnssec=dnssec)
    judged = {root: server_that(root).judged(answer, None) for root in (VALIDATES, DOES_NOT, NOBODY_KNOWS)}
    assert {(one.state, one.records, one.server) for one in judged.values()} == {(state, answer.records, "192.0.2.1")}
    assert (judged[VALIDATES].dnssec, judged[VALIDATES].reason) == (dnssec, "")
    assert (judged[DOES_NOT].dnssec, judged[DOES_NOT].reason) == ("not_determined", NO_WORD)
    assert (judged[NOBODY_KNOWS].dnssec, judged[NOBODY_KNOWS].reason) == ("not_determined", NOT_KNOWN)


@pytest.mark.parametrize("root", [VALIDATES, DOES_NOT, NOBODY_KNOWS])
def test_what_is_not_determined_keeps_its_reason(root):
    answer = not_determined(MAIL, "no answer")
    assert server_that(root).judged(answer, None) == answer._replace(server="192.0.2.1")


BARE = "SERVFAIL, but an answer where it is told not to check signatures (CD)"


@pytest.mark.parametrize(
    ("root", "extended", "of_dnssec", "state", "reason"),
    [
        (VALIDATES, "", False, "bogus", "bogus for this resolver (192.0.2.1): " + BARE),
        (VALIDATES, "DNSSEC bogus", True, "bogus", "bogus for this resolver (192.0.2.1): DNSSEC bogus"),
        (NOBODY_KNOWS, "", False, "bogus", "bogus for this resolver (192.0.2.1): " + BARE),
        (DOES_NOT, "DNSSEC bogus", True, "bogus", "bogus for this resolver (192.0.2.1): DNSSEC bogus"),
        (DOES_NOT, "", False, "not_determined", "SERVFAIL from 192.0.2.1 (%s), yet %s" % (BARE, NO_WORD)),
    ],
)
def test_what_is_there_only_without_checks(root, extended, of_dnssec, state, reason):
    """RFC 4035 5.5, RFC 8914: of a resolver that checks nothing a failure is no word on signatures, unless it says so."""
    complaint = Reply(2, False, "SERVFAIL", not_determined(MAIL, ""), extended, of_dnssec)
    judged = server_that(root).judged(SECURE, complaint)
    assert (judged.state, judged.dnssec, judged.records, judged.reason) == (state, state, (), reason)
    assert judged.server == "192.0.2.1"
