# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Many relays in one audit: what a caller named becomes one row a relay, and their reports one result.

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from .._errors import OptionError
from .._net.text import counted
from .._smtp.rows import blamed, entries
from .._smtp.summary import about
from .model import FINDING, PASS, Cost
from .options import AUDIT_OPTIONS, wanted_audit
from .report import SEVERITIES, beyond, gravest_first, how_it_stopped, left_open, next_sentence

if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

    from .._smtp.rows import Entry
    from .options import Wanted

    Group = Sequence[Tuple[Wanted, Sequence[int]]]  # the audits of one relay, each with the rows it is for

_SHOWN = 3  # names in a sentence


class Relay(NamedTuple):
    """One row of the result: what was asked for."""

    input: Any
    name: str
    labels: Mapping[str, Any]
    wanted: Wanted


def relays_of(given: Mapping[str, Any]) -> List[Relay]:
    """Return the rows of `hosts` and `endpoints`, in their order. Raises OptionError."""
    shared = {name: given[name] for name in AUDIT_OPTIONS}
    relays = [_relay(shared, entry) for entry in entries(given)]
    if not relays:
        raise OptionError("hosts", "is empty, and so is endpoints: there is nobody to ask.")
    if not 1 <= given["concurrency"] <= 10000:
        raise OptionError("concurrency", "will not do: give a number from 1 to 10000.")
    return relays


def _relay(shared: Mapping[str, Any], entry: Entry) -> Relay:
    try:
        return Relay(entry.input, entry.name, entry.labels, wanted_audit(entry.host, {**shared, **entry.options}))
    except OptionError as error:
        raise blamed(entry, shared, error) from None


def grouped(relays: Sequence[Relay]) -> List[Group]:
    """Return the audits by relay, a host and port. Rows that ask for the same share one."""
    groups: Dict[Tuple[str, int], List[Tuple[Wanted, List[int]]]] = {}
    for index, relay in enumerate(relays):
        endpoint = relay.wanted.endpoint
        wanted = relay.wanted._replace(endpoint=endpoint._replace(host=endpoint.host.lower()))
        group = groups.setdefault((wanted.endpoint.host.rstrip("."), endpoint.port), [])
        same = next((indexes for other, indexes in group if other == wanted), None)
        if same is None:
            group.append((wanted, [index]))
        else:
            same.append(index)
    return list(groups.values())


class Result:
    """Collects reports, in any order, into `endpoints` and `summary`."""

    def __init__(self, relays: Sequence[Relay], details: str) -> None:
        self._relays, self._details = relays, details
        self._rows: List[Optional[Dict[str, Any]]] = [None] * len(relays)
        self._engine: Dict[str, str] = {}
        self._warnings: Dict[str, List[int]] = {}  # and which rows they are about

    def add(self, index: int, report: Dict[str, Any]) -> None:
        """Take the report of the row at `index`."""
        relay, own = self._relays[index], dict(report)
        self._engine = own.pop("engine")  # one for all
        for warning in own.pop("warnings"):
            self._warnings.setdefault(warning, []).append(index)
        own["probes"] = [self._without_dialogues(one) for one in own["probes"]]
        if self._details == "none" or (self._details == "failures" and own["verdict"] == "passed"):
            own["transcript"] = []
        self._rows[index] = {"name": relay.name, "labels": dict(relay.labels), "input": relay.input, **own}

    def _told(self) -> List[str]:
        """Return the warnings in the order of the rows, whichever came first."""
        by_row = sorted((sorted(indexes), text) for text, indexes in self._warnings.items())
        names = {index: relay.name for index, relay in enumerate(self._relays)}
        return [about(text, [names[index] for index in indexes], len(names)) for indexes, text in by_row]

    def _without_dialogues(self, probed: Mapping[str, Any]) -> Dict[str, Any]:
        shown = self._details == "all" or (self._details == "failures" and probed["status"] != PASS)
        return {**probed, "dialogues": probed["dialogues"] if shown else []}

    def as_dict(self, seconds: float, check_mode: bool) -> Dict[str, Any]:
        rows = [row for row in self._rows if row is not None]
        summary = _summary(rows, seconds)
        costs = [Cost(*(row["plan"][name] for name in Cost._fields)) for row in rows]
        plan = Cost(*map(sum, zip(*costs)))._asdict()
        return {
            "changed": any(row["changed"] for row in rows),
            "msg": _planned(rows, plan) if check_mode else " ".join(_sentences(rows, summary)),
            "endpoints": rows,
            "plan": plan,
            "summary": summary,
            "engine": self._engine,
            "warnings": self._told(),
        }


def _summary(rows: Sequence[Mapping[str, Any]], seconds: float) -> Dict[str, Any]:
    """Return how many relays came to what, which probes found something at how many, and which were left open."""
    probed = [one for row in rows for one in row["probes"]]
    severities = Counter(one["severity"] for one in probed if one["status"] == FINDING)
    found = Counter(one["name"] for one in probed if one["status"] == FINDING)
    not_judged = Counter(one["name"] for row in rows for one in (*left_open(row), *row["not_made"]))
    return {
        "endpoints": len(rows),
        "verdicts": dict(sorted(Counter(row["verdict"] for row in rows).items())),
        "causes": dict(sorted(Counter(row["cause"] for row in rows if row["cause"]).items())),
        "findings": {severity: severities[severity] for severity in SEVERITIES},
        "found": dict(found.most_common()),
        "not_judged": dict(not_judged.most_common()),
        "seconds": round(seconds, 3),
    }


def _planned(rows: Sequence[Any], plan: Mapping[str, int]) -> str:
    costs = ", ".join(counted(plan[name], name[:-1]) for name in Cost._fields)
    return "%s: check mode: at most %s." % (counted(len(rows), "relay"), costs)


def _sentences(rows: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield the whole in a sentence, then each probe that found something, the gravest first, then what ended else."""
    counts = ", ".join("%d %s" % (count, verdict.replace("_", " ")) for verdict, count in summary["verdicts"].items())
    yield "%s in %.3g s: %s." % (counted(summary["endpoints"], "relay"), summary["seconds"], counts)
    at: Dict[str, List[str]] = {}
    found = gravest_first([dict(one, at=row["name"]) for row in rows for one in row["probes"]])
    for one in found:
        at.setdefault(one["name"], []).append(one["at"])
    for one in {one["name"]: one for one in reversed(found)}.values():
        told = (one["name"], one["severity"], _some(at[one["name"]]), one["meaning"], one["remedy"])
        yield "%s (%s) at %s: %s Next: %s" % told
    for cause in summary["causes"]:
        ended = [row for row in rows if row["cause"] == cause]
        names = [row["name"] for row in ended]
        how = how_it_stopped(ended[0]).capitalize()
        yield "%s (%s) at %s. %s" % (how, cause, _some(names), next_sentence(ended[0]["failure"]["hint"]))
    yield from beyond(rows)


def _some(names: Sequence[str]) -> str:
    more = " and %d more" % (len(names) - _SHOWN) if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
