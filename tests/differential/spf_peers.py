# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF results beside those of spftrace and pyspf, on zones by chance: spf_peers.py [number of zones] [first seed].

A disagreement is judged against RFC 7208 in JUDGED; one that no row explains fails.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Tuple

import spf as pyspf
import spftrace

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf import evaluate
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.client import Sender
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.evaluate import Outcome, check_host
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import Answer, Question
from ansible_collections.postmaster.mailcheck.tests.differential.spf_zones import Case, case_of
from ansible_collections.postmaster.mailcheck.tests.support.answers import answer_to, play
from ansible_collections.postmaster.mailcheck.tests.support.zones import answers_of

Answers = Dict[Tuple[str, str], Answer]
_RECURSION = "permerror: recursion"
SHOWN = 5  # of the disagreements that no row explains


def by_pyspf(case: Case, answers: Answers) -> str:
    def look_up(name: str, kind: str, _strict: Any = True, _timeout: Any = 0) -> Iterator[Tuple[Tuple[str, str], Any]]:
        answer = answer_to(Question(name.lower(), kind), answers)
        if answer.state == "not_determined":
            raise pyspf.TempError("DNS")
        for record in answer.records:
            yield (name, kind), tuple(record) if kind == "MX" else record

    pyspf.DNSLookup = look_up
    query = pyspf.query(case.address, case.mail_from, case.helo)
    try:
        result, _code, text = query.check()
    except Exception as fault:  # noqa: BLE001  # a crash of a peer is a disagreement
        return "crash: %s" % type(fault).__name__
    return _RECURSION if "trivial recursion" in text else str(result)


class Resolver(spftrace.BaseResolver):  # type: ignore[misc]
    def __init__(self, answers: Answers) -> None:
        self.answers = answers

    async def _lookup(self, name: str, kind: str) -> Tuple[str, List[str]]:
        answer = answer_to(Question(name.lower().rstrip("."), kind), self.answers)
        if answer.state == "not_determined":
            return "TIMEOUT", []
        texts = [
            b"".join(record).decode("latin-1") if kind == "TXT" else record.host if kind == "MX" else record
            for record in answer.records
        ]
        return ("NOERROR" if answer.exists is not False else "NXDOMAIN"), texts


def by_spftrace(case: Case, answers: Answers) -> str:
    limits = spftrace.Limits(max_queries=None, prefetch=False, max_void=evaluate.MAX_VOID_LOOKUPS)
    evaluator = spftrace.Evaluator(Resolver(answers), limits)
    try:
        return str(asyncio.run(evaluator.evaluate(case.address, case.mail_from, case.helo)).result)
    except Exception as fault:  # noqa: BLE001  # a crash of a peer is a disagreement
        return "crash: %s" % type(fault).__name__


PEERS: Dict[str, Callable[[Case, Answers], str]] = {"spftrace": by_spftrace, "pyspf": by_pyspf}


def by_us(case: Case, answers: Answers) -> Outcome:
    found: Outcome = play(check_host(Sender(case.address, case.mail_from, case.helo)), answers)
    return found


@contextmanager
def void_limit(limit: int) -> Iterator[None]:
    """Another limit of void look-ups for all three."""
    before = evaluate.MAX_VOID_LOOKUPS
    evaluate.MAX_VOID_LOOKUPS = pyspf.MAX_VOID_LOOKUPS = limit
    try:
        yield
    finally:
        evaluate.MAX_VOID_LOOKUPS = pyspf.MAX_VOID_LOOKUPS = before


def with_texts(case: Case, change: Callable[[str], str]) -> Case:
    """The same case with its TXT records changed."""
    zone = {
        name: [(kind, [change("".join(value))] if kind == "TXT" else value) for kind, value in rows]
        for name, rows in case.zone.items()
    }
    return case._replace(zone=zone)


def without_faults(case: Case) -> Case:
    """The same case with what times out absent."""
    return case._replace(zone={name: rows for name, rows in case.zone.items() if ("TIMEOUT", None) not in rows})


# Why a peer says otherwise, and how to see that this is why: the case as it has to be for both to agree. In each the
# limit of void look-ups is out of the way.
JUDGED: List[Tuple[str, str, Callable[[Case], Case]]] = [
    (
        "any",
        "it counts every question that finds nothing (spftrace: once, pyspf: each time); RFC 7208 4.6.4 limits terms",
        lambda case: case,
    ),
    (
        "pyspf",
        "it does not read a redirect= that it has no use for; RFC 7208 4.6 wants syntax errors anywhere detected",
        lambda case: with_texts(case, lambda text: re.sub(" redirect=[^ ]*", "", text)),
    ),
    (
        "spftrace",
        "it takes an empty label for a syntax error; by RFC 7208 7.1 it is none, and what it comes to is not settled",
        lambda case: with_texts(case, lambda text: re.sub(r"([:.])\.+", r"\1", text)),
    ),
    (
        "pyspf",
        "it takes a time-out within ptr or %{p} for a temperror; RFC 7208 5.5 skips the name",
        without_faults,
    ),
]
REFUSES_RECURSION = "it refuses a record that includes itself before it evaluates any term; RFC 7208 has no such rule"


def explained(peer: str, theirs: str, case: Case) -> str:
    """Return the row of JUDGED that explains a disagreement, "" where none does."""
    if theirs == _RECURSION:
        return REFUSES_RECURSION
    with void_limit(1000):
        for of_peer, row, change in JUDGED:
            changed = change(case)
            answers = answers_of(changed.zone)
            if of_peer in ("any", peer) and PEERS[peer](changed, answers) in (
                by_us(changed, answers).result,
                _RECURSION,
            ):
                return row
    return ""


def main() -> int:
    zones, first = (int(word) for word in (sys.argv[1:] + ["10000", "1"][len(sys.argv) - 1 :]))
    agreed: Counter[str] = Counter()
    judged: Counter[Tuple[str, str]] = Counter()
    results: Counter[str] = Counter()
    unexplained: List[str] = []
    for seed in range(first, first + zones):
        case = case_of(seed)
        answers = answers_of(case.zone)
        ours = by_us(case, answers)
        results[ours.result] += 1
        for peer, result_of in PEERS.items():
            theirs = result_of(case, answers)
            if theirs.partition(":")[0] == ours.result:
                agreed[peer] += 1
                continue
            row = explained(peer, theirs, case)
            if row:
                judged[peer, row] += 1
            else:
                unexplained.append("seed %d: %s says %s\n%s" % (seed, peer, theirs, show(case, ours)))
    print("%d zones: %s" % (zones, ", ".join("%s %d" % pair for pair in results.most_common())))
    for peer in PEERS:
        print("%s: %d agree" % (peer, agreed[peer]))
    for (peer, row), number in judged.most_common():
        print("%s, %d times: %s" % (peer, number, row))
    print("%d not explained" % len(unexplained))
    for text in unexplained[:SHOWN]:
        print(text)
    return 1 if unexplained else 0


def show(case: Case, ours: Outcome) -> str:
    records = ["  %s %s %r" % (name, *row) for name, rows in case.zone.items() for row in rows]
    sender = "  we say %s: %s\n  for %s, %s, %s" % (ours.result, ours, case.address, case.mail_from, case.helo)
    return "\n".join([sender, *records])


if __name__ == "__main__":
    sys.exit(main())
