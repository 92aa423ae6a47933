# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a BIND that signs and an Unbound that validates say, and that zone files say the same.

from __future__ import annotations

import itertools
import socket
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.evaluations import evaluate
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import Answer, Question
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.resolver import StubResolver
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.server import ServerFacts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.servers import name_servers
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.zone_files import ZoneFiles
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.driver import Driver, Limits
from ansible_collections.postmaster.mailcheck.tests.real.names import Names

if TYPE_CHECKING:
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import Evaluation


def asking(questions: tuple[Question, ...]) -> Evaluation[tuple[Answer, ...]]:
    return (yield questions)


def ask(server: str, *questions: Question) -> tuple[tuple[Answer, ...], tuple[ServerFacts, ...]]:
    driver = Driver(Limits())
    resolver = StubResolver(driver, name_servers([server]), 20.0)
    try:
        ((_key, result),) = driver.run(iter([("", evaluate(resolver, [asking(questions)]))]))
    finally:
        resolver.close()
    assert not isinstance(result, Exception), repr(result)
    (answers,) = result
    return answers, resolver.facts()


def answer_to(server: str, name: str, kind: str) -> Answer:
    ((answer,), _facts) = ask(server, Question(name, kind))
    return answer


@pytest.mark.parametrize(
    ("zone", "state", "dnssec", "reason"),
    [
        ("secure.test", "present", "secure", ""),
        ("insecure.test", "present", "insecure", ""),
        ("unannounced.test", "present", "insecure", ""),
        ("expired.test", "bogus", "bogus", "bogus for this resolver"),
        ("mismatch.test", "bogus", "bogus", "bogus for this resolver"),
        ("stripped.test", "bogus", "bogus", "bogus for this resolver"),
        ("broken.test", "not_determined", "not_determined", "SERVFAIL"),
    ],
)
def test_what_dnssec_says(names: Names, zone: str, state: str, dnssec: str, reason: str) -> None:
    """Of what is there, and of what is not."""
    there, not_there = (answer_to(names.resolver, name, "MX") for name in (zone, f"gone.{zone}"))
    assert (there.state, there.dnssec) == (state, dnssec)
    assert (not_there.state, not_there.dnssec) == (("absent" if state == "present" else state), dnssec)
    for answer in (there, not_there):
        assert answer.reason.startswith(reason)
        assert names.resolver in answer.reason or not reason
        assert answer.exists is {"present": True, "absent": False}.get(answer.state)


def test_the_validator_and_the_authority(names: Names) -> None:
    _answers, (facts,) = ask(names.resolver, Question("secure.test", "MX"))
    assert facts == (names.resolver, "loopback", True, False)
    (answer,), (facts,) = ask(names.authority, Question("secure.test", "MX"))
    assert facts.validates is False
    assert (answer.state, answer.dnssec) == ("present", "not_determined")
    assert "does not validate" in answer.reason


@pytest.mark.parametrize("question", [Question("secure.test", "MX"), Question("gone.secure.test", "A")])
def test_without_ad_for_the_root_nothing_is_said_of_dnssec(names: Names, question: Question) -> None:
    """The authority's answers are right, and signed: nobody has checked that."""
    ((answer,), _facts) = ask(names.authority, question)
    assert answer.dnssec == "not_determined"


def test_sixty_relays_and_fifty_kib_of_text_by_tcp(names: Names) -> None:
    (many, long), _facts = ask(names.resolver, Question("many.secure.test", "MX"), Question("long.secure.test", "TXT"))
    assert sorted(mx.preference for mx in many.records) == list(range(60))
    assert len(b"".join(long.records[0])) == 200 * 250
    assert (many.dnssec, long.dnssec) == ("secure", "secure")


def test_aliases(names: Names) -> None:
    first = answer_to(names.resolver, "first.secure.test", "A")
    assert (first.records, first.dnssec) == (("192.0.2.25",), "secure")
    assert first.aliases == ("second.secure.test", "Third.secure.test", "mx.secure.test")
    elsewhere = answer_to(names.resolver, "elsewhere.secure.test", "A")
    assert (elsewhere.state, elsewhere.dnssec) == ("present", "insecure")  # as its weakest part
    nowhere = answer_to(names.resolver, "nowhere.secure.test", "A")
    assert (nowhere.state, nowhere.exists, nowhere.aliases) == ("absent", False, ("gone.secure.test",))
    assert answer_to(names.resolver, "loop1.secure.test", "A").state == "not_determined"
    assert answer_to(names.authority, "loop1.secure.test", "A").state == "not_determined"


def test_octets_as_they_are(names: Names) -> None:
    assert answer_to(names.resolver, "odd.secure.test", "TXT").records == ((b"a\x1b[2J", b"\xff\0", b"<b>"),)


def test_a_lame_server(names: Names) -> None:
    """It knows the zone above, and says who should know more."""
    answer = answer_to(names.authority, "lame.test", "MX")
    assert answer.state == "not_determined"
    assert answer.reason == f"a reply that only refers to other servers from {names.authority}"


def test_the_next_server_answers_where_the_first_is_dead(names: Names) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        driver = Driver(Limits())
        dead = f"127.0.0.1:{silent.getsockname()[1]}"
        resolver = StubResolver(driver, name_servers([dead, names.resolver]), 4.0)
        try:
            plan = evaluate(resolver, [asking((Question("secure.test", "MX"),))])
            ((_key, (answers,)),) = driver.run(iter([("", plan)]))
        finally:
            resolver.close()
    assert [(answer.state, answer.server) for answer in answers] == [("present", names.resolver)]


# Zone files


def questions_about(names: Names) -> list[Question]:
    """Every name of the zone, and names beside, below and between them, for every kind."""
    lines = names.zone_file.read_text().splitlines()
    owners = {line.split()[0] for line in lines if " IN " in line} - {"@"}
    owners |= {"below.empty", "empty", "wild", "alias", "gone", "_tcp.mx"}
    owners |= {f"{label}.{owner}" for owner in owners for label in ("x", "y.x")}
    kinds = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "TLSA", "TXT")
    found = [Question(f"{owner.lower()}.secure.test", kind) for owner, kind in itertools.product(sorted(owners), kinds)]
    return [Question("secure.test", kind) for kind in kinds] + found


def test_zone_files_say_what_the_server_says(names: Names) -> None:
    """Both or neither know; glue is no answer of a server's, and what an alias leads to outside is in no file."""
    questions = [one for one in questions_about(names) if one.name != "ns.cut.secure.test"]
    assert len(questions) >= 500
    answers, _facts = ask(names.authority, *questions)
    files = ZoneFiles([(str(names.zone_file), "")])
    differing = []
    for question, theirs in zip(questions, answers):
        ours = files.answer(question)
        if question.name == "elsewhere.secure.test" and question.kind != "CNAME":
            assert ours.state == "not_determined"
            continue
        if judged(ours) != judged(theirs):
            differing.append((ours, theirs))
    assert differing == []
    assert {answer.state for answer in answers} == {"present", "absent", "not_determined"}


def judged(answer: Answer) -> tuple[object, ...]:
    ttl = answer.ttl if answer.state == "present" else None
    return answer.state, answer.exists, sorted(answer.records), answer.aliases, ttl
