# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# check_host() of RFC 7208 4: what a receiver makes of an address that sends for a domain.
#
# The evaluation walks the terms as the standard has it, depth first, and keeps the way to the term at hand, so that
# it can say which one decided. What ends it early is an exception; limits are those of section 4.6.4.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..._net.dns.model import ABSENT, PRESENT, Question
from ..._net.text import cut, printable
from ..unanswered import is_open, why
from .client import Client
from .macros import fault_of_macro_string, fault_of_name, letters_in
from .record import cut_term, parse_record, select

if TYPE_CHECKING:
    from typing import List, Optional, Tuple

    from ..._net.dns.model import Answer, Evaluation
    from .client import Sender
    from .record import Record, Term

PASS, FAIL, SOFTFAIL, NEUTRAL, NONE = "pass", "fail", "softfail", "neutral", "none"
TEMPERROR, PERMERROR = "temperror", "permerror"
RESULTS = {"+": PASS, "-": FAIL, "~": SOFTFAIL, "?": NEUTRAL}

# RFC 7208 4.6.4
MAX_LOOKUPS = 10
MAX_VOID_LOOKUPS = 2
MAX_MAIL_SERVERS = 10


class Step(NamedTuple):
    """A term of the record of a domain."""

    domain: str
    term: str


class Outcome(NamedTuple):
    """What came of it (RFC 7208 2.6). `path` leads through includes and redirects to the term that decided."""

    result: str
    path: Tuple[Step, ...]
    lookups: int  # RFC 7208 4.6.4
    void_lookups: int
    explanation: str = ""  # RFC 7208 6.2
    reason: str = ""  # in words, of none, temperror and permerror

    @property
    def term(self) -> str:
        return self.path[-1].term if self.path else ""


class _Ended(Exception):
    """The evaluation ends with a result that no term has."""

    def __init__(self, result: str, reason: str) -> None:
        super().__init__(reason)
        self.result = result


def check_host(sender: Sender, now: int = 0) -> Evaluation[Outcome]:
    """Return the result of RFC 7208 4 for a sender. `now`: seconds since the epoch, for the macro of explanations.

    Raises ValueError where `sender.address` is no IP address.
    """
    client = Client(sender, now)
    evaluator = _Evaluator(client)
    explanation = reason = ""
    try:
        result = yield from evaluator.evaluate(client.domain)
        if result == FAIL:
            explanation = yield from evaluator.explain()
    except _Ended as ended:
        result, reason = ended.result, str(ended)
    path = tuple(evaluator.path)
    return Outcome(result, path, evaluator.lookups, evaluator.void_lookups, explanation, reason)


class _Evaluator:
    """One check: the way to the term at hand, and what it has cost so far."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.path: List[Step] = []
        self.lookups = self.void_lookups = 0
        self._includes = 0
        self._found_all = True  # nothing that the term at hand has looked up was void
        self._explained: Tuple[str, Optional[Term]] = ("", None)

    def evaluate(self, domain: str) -> Evaluation[str]:
        """Return the result for the record of `domain`. Raises _Ended."""
        record = yield from self._record_of(domain)
        if not self._includes:
            self._explained = domain, record.modifier("exp")
        depth = len(self.path)
        for term in record.directives:
            self.path[depth:] = [Step(printable(domain), term.text)]
            matched = yield from self._matches(term, domain)
            if matched:
                return RESULTS[term.qualifier]
        del self.path[depth:]
        redirect = record.modifier("redirect")
        if redirect is None:
            return NEUTRAL
        self.path.append(Step(printable(domain), redirect.text))
        self._count()
        target = yield from self._client.target(redirect, domain)
        result = yield from self._of_other(target)
        return result

    def explain(self) -> Evaluation[str]:
        """Return the explanation of a fail, "" where there is none that can be used (RFC 7208 6.2)."""
        domain, exp = self._explained
        if exp is None:
            return ""
        target = yield from self._client.target(exp, domain)
        if fault_of_name(target):
            return ""
        (answer,) = yield (Question(target.lower(), "TXT"),)
        texts = [b"".join(strings) for strings in answer.records]
        if answer.state != PRESENT or len(texts) != 1 or not texts[0].isascii():
            return ""
        text = texts[0].decode("ascii")
        if fault_of_macro_string(text, explanation=True):
            return ""
        return cut(printable((yield from self._client.expand(text, domain))))

    def _record_of(self, domain: str) -> Evaluation[Record]:
        """Return the record of `domain` (RFC 7208 4.3 to 4.6)."""
        domain = domain[:-1] if domain.endswith(".") else domain
        shown, fault = cut(printable(domain)), fault_of_name(domain)
        if fault:
            raise _Ended(NONE, "'%s' cannot have an SPF record: %s" % (shown, fault))
        (answer,) = yield (Question(domain.lower(), "TXT"),)
        self._hold_determined(answer)
        found = select(answer.records)
        if not found:
            raise _Ended(NONE, "%s has no SPF record" % shown)
        if len(found) > 1:
            raise _Ended(PERMERROR, "%s has %d SPF records" % (shown, len(found)))
        record = parse_record(found[0])
        if record.faults:
            raise _Ended(PERMERROR, "%s: %s" % (shown, record.faults[0]))
        return record

    def _matches(self, term: Term, domain: str) -> Evaluation[bool]:
        """Return whether a mechanism matches the sender (RFC 7208 5)."""
        if term.name == "all":
            return True
        if term.name in ("ip4", "ip6"):
            return self._client.is_in(term.network, term)
        self._count()
        target = yield from self._client.target(term, domain)
        if self._client.is_nameless and "p" in letters_in(term.domain_spec):
            self._count_void()
        if term.name == "include":
            return (yield from self._includes_pass(target))
        if fault_of_name(target):
            return False  # RFC 7208 4.8: it is none's
        method = {"a": self._a, "mx": self._mx, "ptr": self._ptr, "exists": self._exists}[term.name]
        return (yield from method(term, target.lower()))

    def _includes_pass(self, target: str) -> Evaluation[bool]:
        """RFC 7208 5.2."""
        self._includes += 1
        result = yield from self._of_other(target)
        self._includes -= 1
        return result == PASS

    def _of_other(self, target: str) -> Evaluation[str]:
        """Return the result for the record that an include or a redirect leads to, which must be there."""
        try:
            return (yield from self.evaluate(target))
        except _Ended as ended:
            raise _Ended(PERMERROR if ended.result == NONE else ended.result, str(ended)) from None

    def _a(self, term: Term, target: str) -> Evaluation[bool]:
        """RFC 7208 5.3."""
        answers = yield (Question(target, self._client.kind),)
        return self._holds_sender(answers, term)

    def _mx(self, term: Term, target: str) -> Evaluation[bool]:
        """RFC 7208 5.4. A null MX (RFC 7505) has no host to ask for."""
        (answer,) = yield (Question(target, "MX"),)
        self._hold_determined(answer)
        in_order = sorted(answer.records, key=lambda mx: mx.preference)
        hosts = [mx.host.lower() for mx in in_order if mx.host]
        if answer.state == ABSENT:
            self._count_void()
        if len(answer.records) > MAX_MAIL_SERVERS:
            text = "%s has %d mail servers, and an mx mechanism may look up %d at most"
            raise _Ended(PERMERROR, text % (printable(target), len(answer.records), MAX_MAIL_SERVERS))
        if not hosts:
            return False
        answers = yield tuple(Question(host, self._client.kind) for host in hosts)
        return self._holds_sender(answers, term)

    def _holds_sender(self, answers: Tuple[Answer, ...], term: Term) -> bool:
        """Return whether an address of these is the sender's."""
        for answer in answers:
            self._hold_determined(answer)
            if any(self._client.is_in(address, term) for address in answer.records):
                return True
            if answer.state == ABSENT:
                self._count_void()
        return False

    def _ptr(self, term: Term, target: str) -> Evaluation[bool]:
        """RFC 7208 5.5: an error makes it no match."""
        names = yield from self._client.validated_names()
        if self._client.is_nameless:
            self._count_void()
        return any(name == target or name.endswith("." + target) for name in map(str.lower, names))

    def _exists(self, term: Term, target: str) -> Evaluation[bool]:
        """RFC 7208 5.7: A, whatever the sender's family."""
        (answer,) = yield (Question(target, "A"),)
        self._hold_determined(answer)
        if answer.state == ABSENT:
            self._count_void()
        return bool(answer.state == PRESENT)

    def _count(self) -> None:
        """A term that looks something up (RFC 7208 4.6.4)."""
        self._found_all = True
        self.lookups += 1
        if self.lookups > MAX_LOOKUPS:
            text = "more than %d terms look something up before one matches: %s is number %d"
            raise _Ended(PERMERROR, text % (MAX_LOOKUPS, cut_term(self.path[-1].term), self.lookups))

    def _count_void(self) -> None:
        """A look-up that found nothing: of one term it counts once (RFC 7208 4.6.4 limits such terms)."""
        self.void_lookups += self._found_all
        self._found_all = False
        if self.void_lookups > MAX_VOID_LOOKUPS:
            text = "more than %d terms look up what does not exist: %s is number %d"
            raise _Ended(PERMERROR, text % (MAX_VOID_LOOKUPS, cut_term(self.path[-1].term), self.void_lookups))

    def _hold_determined(self, answer: Answer) -> None:
        """A look-up that failed ends the evaluation for now (RFC 7208 2.6.6)."""
        if is_open(answer):
            raise _Ended(TEMPERROR, why(answer))
