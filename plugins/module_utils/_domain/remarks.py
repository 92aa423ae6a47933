# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What is amiss with what a domain publishes, and told by no rule: people are to hear of it all the same, and once.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._verdicts.rules import MET, UNMET

if TYPE_CHECKING:
    from typing import Any, Container, Dict, Iterator, List, Sequence, Tuple

    from .._verdicts.rules import Rule
    from .facts import DomainFacts

# By which rules a problem is told, if one of them is unmet; an error by that of its fact's validity, besides.
_TOLD_BY = {
    "bimi_not_enforced": ("bimi_valid",),
    "dkim_weak": ("dkim_min_bits",),
    "dmarc_policy_missing": ("dmarc_policy",),
    "dmarc_reports_elsewhere": ("dmarc_reports_authorised",),
    "dmarc_reports_unauthorised": ("dmarc_reports_authorised",),
    "dmarc_testing": ("dmarc_policy",),
    "mta_sts_none": ("mta_sts_mode", "dane_or_mta_sts"),
    "mta_sts_testing": ("mta_sts_mode", "dane_or_mta_sts"),
    "mx_implicit": ("mx_present",),
    "reverse_not_confirmed": ("reverse_names_confirmed",),
    "spf_pass_all": ("spf_restricts",),
}
_NAMES = ("host", "selector", "address", "domain")  # of the fields that say which of several facts it is


_SHOWN = 5  # of one kind


class Remark(NamedTuple):
    id: str  # of the problem
    level: str  # error, warning
    text: str
    source: str  # the standard and its section
    of: str  # the fact: mx, spf ...

    @property
    def title(self) -> str:
        return self.of.upper().replace("_", "-") if self.of not in ("reverse", "blocklists") else self.of


def remarks_on(facts: DomainFacts, rules: Sequence[Rule]) -> Tuple[Remark, ...]:
    """Return each problem of the facts that no rule tells which is unmet, or could not be judged."""
    unmet = {rule.id for rule in rules if rule.outcome == UNMET}
    told = "\n".join(rule.text for rule in rules if rule.outcome != MET)
    found = [remark for of in facts._fields for remark in _problems(of, getattr(facts, of), "", unmet, told)]
    by_kind: Dict[str, List[Remark]] = {}
    for remark in dict.fromkeys(found):
        by_kind.setdefault(remark.id, []).append(remark)
    return tuple(remark for kind in by_kind.values() for remark in _first(kind))


def _first(found: List[Remark]) -> List[Remark]:
    """Return the first ones of a kind, and how many there are besides: one record may have a thousand of them."""
    more = ["and %d more, see problems" % (len(found) - _SHOWN)] if len(found) > _SHOWN else []
    return found[:_SHOWN] + [found[0]._replace(text=text) for text in more]


def _problems(of: str, fact: Any, name: str, unmet: Container[str], told: str) -> Iterator[Remark]:
    """Yield what is amiss with a fact and with those inside it."""
    if isinstance(fact, dict):
        fact = list(fact.values())
    if isinstance(fact, (list, tuple)) and not hasattr(fact, "_asdict"):
        for inner in fact:
            yield from _problems(of, inner, name, unmet, told)
    elif hasattr(fact, "_asdict"):
        name = next((str(getattr(fact, field)) for field in _NAMES if getattr(fact, field, None)), name)
        for found in getattr(fact, "problems", None) or ():
            rules = _TOLD_BY.get(found.id, ()) + ((of + "_valid",) if found.level == "error" else ())
            if found.text not in told and not any(rule in unmet for rule in rules):
                text = found.text if not name or name in found.text else "%s: %s" % (name, found.text)
                yield Remark(found.id, found.level, text, found.source, of)
        for field in fact._fields:
            if field != "problems":
                yield from _problems(of, getattr(fact, field), name, unmet, told)
