# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# From the reports of a sweep to its one result.
#
# What passed is told in a short row, each certificate once, and the whole in a summary: that keeps a thousand relays
# readable, and quick to hand over.

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .._net.text import counted, where
from .._verdicts.causes import more_about
from .._verdicts.rules import not_judged

if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

    from .rows import Row

_SHOWN = 5  # names in a summary
_FAILING = 3  # relays in its sentence
NOT_PASSED = " Not passed: "  # behind all that is counted, in the sentence


class Result:
    """Collects reports, in any order, into `endpoints`, `certificates` and `summary`."""

    def __init__(self, rows: Sequence[Row], details: str, left_out: Mapping[str, Mapping[str, int]]) -> None:
        self._rows, self._details, self._left_out = rows, details, left_out
        self._endpoints: List[Optional[Dict[str, Any]]] = [None] * len(rows)
        self._certificates: Dict[str, Dict[str, Any]] = {}
        self._counts: Dict[str, Counter[str]] = {
            name: Counter() for name in ("verdicts", "causes", "not_judged", "tls_versions", "auth_mechanisms")
        }
        self._seconds: List[Tuple[float, int]] = []
        self._changed = False
        self._engine: Dict[str, str] = {}
        self._warnings: Dict[str, List[str]] = {}  # and which rows they are about

    def add(self, indexes: Iterable[int], report: Dict[str, Any]) -> None:
        """Take the report that all rows at `indexes` asked for."""
        self._engine = report.pop("engine")  # one for all, and each warning once
        for warning in report.pop("warnings"):
            self._warnings.setdefault(warning, []).extend(self._rows[index].name for index in indexes)
        report = self._without_certificates(report)
        shown = report if self._shows(report) else _short(report)
        for index in indexes:
            row = self._rows[index]
            self._endpoints[index] = {"name": row.name, "labels": dict(row.labels), "input": row.input, **shown}
            self._count(index, report)
        self._changed = self._changed or report["changed"]

    def as_dict(self, seconds: float, lag: float, probed: int) -> Dict[str, Any]:
        endpoints = [endpoint for endpoint in self._endpoints if endpoint is not None]
        summary: Dict[str, Any] = {name: dict(sorted(count.items())) for name, count in self._counts.items()}
        summary["slowest"] = [
            {"name": self._rows[index].name, "seconds": taken}
            for taken, index in sorted(self._seconds, key=lambda one: -one[0])[:_SHOWN]
        ]
        summary["soonest_expiry"] = self._soonest_expiry(endpoints)
        summary["left_out"] = {option: sum(more.values()) for option, more in self._left_out.items()}
        summary.update(endpoints=len(endpoints), probed=probed, seconds=round(seconds, 3), lag=round(lag, 4))
        return {
            "changed": self._changed,
            "msg": _sentence(summary, [one for one in endpoints if one["failure"]]),
            "endpoints": endpoints,
            "certificates": self._certificates,
            "summary": summary,
            "engine": self._engine,
            "warnings": [
                *(about(text, names, len(endpoints)) for text, names in self._warnings.items()),
                *(_what_is_missing(*one) for one in self._left_out.items()),
            ],
        }

    def _shows(self, report: Mapping[str, Any]) -> bool:
        return self._details == "all" or (self._details == "failures" and report["verdict"] != "passed")

    def _without_certificates(self, report: Dict[str, Any]) -> Dict[str, Any]:
        """Move a report's certificates into the one table; their SHA-256 stays."""
        tls = report["tls"]
        if not tls or not tls["chain"]:
            return report
        for certificate in tls["chain"]:
            self._certificates.setdefault(certificate["sha256_fingerprint"], certificate)
        names = [certificate["sha256_fingerprint"] for certificate in tls["chain"]]
        return dict(report, tls=dict(tls, certificate=names[0], chain=names, days_left=tls["chain"][0]["days_left"]))

    def _count(self, index: int, report: Mapping[str, Any]) -> None:
        self._counts["verdicts"][report["verdict"]] += 1
        if report["failure"]:
            self._counts["causes"][report["failure"]["cause"]] += 1
        for rule in not_judged(report["rules"]):
            self._counts["not_judged"][rule] += 1
        if "tls" in report["timings"]:  # a handshake that was completed
            self._counts["tls_versions"][report["tls"]["version"]] += 1
        for mechanism in report["auth_mechanisms"] or ():
            self._counts["auth_mechanisms"][mechanism] += 1
        if "total" in report["timings"]:
            self._seconds.append((report["timings"]["total"], index))

    def _soonest_expiry(self, endpoints: Sequence[Mapping[str, Any]]) -> Optional[Dict[str, Any]]:
        leaves: Dict[str, List[str]] = {}
        for endpoint in endpoints:
            if endpoint["tls"] and endpoint["tls"]["certificate"]:
                leaves.setdefault(endpoint["tls"]["certificate"], []).append(endpoint["name"])
        if not leaves:
            return None
        soonest = min(leaves, key=lambda sha256: self._certificates[sha256]["not_after"])
        certificate = self._certificates[soonest]
        expiry = {name: certificate[name] for name in ("not_after", "days_left", "subject")}
        return dict(expiry, certificate=soonest, names=leaves[soonest][:_SHOWN], endpoints=len(leaves[soonest]))


def named(endpoint: Mapping[str, Any]) -> str:
    """Return a row's relay: its name, and where that is not the host's, whose it is; how the DNS has named it."""
    name, host, labels = str(endpoint["name"]), endpoint["host"], endpoint["labels"]
    relay = where(host, endpoint["port"])
    if name not in (relay, host, "[%s]" % host):
        return "%s (%s)" % (name, relay)
    if not {"domain", "preference"} <= set(labels):
        return name if endpoint["port"] in (None, 25) else relay  # one host may be there by several ports
    more = [endpoint["address"], "MX %s of %s" % (labels["preference"], labels["domain"])]
    return "%s (%s)" % (name, ", ".join(filter(None, more)))


def about(warning: str, names: Sequence[str], rows: int) -> str:
    """A warning, with the names of the rows that it is about if it is not about all of them."""
    return warning if len(names) == rows else "%s: %s" % (_some(names), warning)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" and others" if len(names) > _SHOWN else "")


def _what_is_missing(option: str, more: Mapping[str, int]) -> str:
    text = "The DNS names %d more than %s allows, which were not checked: of %s."
    return text % (sum(more.values()), option, _some(list(more)))


_OF_ALL = (
    "msg", "host", "port", "address", "local_address", "protocol", "checked_at", "verdict", "stage", "failure",
    "changed",
)  # fmt: skip


def _short(report: Mapping[str, Any]) -> Dict[str, Any]:
    """What there is to say of a relay that does as it should."""
    short = {name: report[name] for name in _OF_ALL}
    tls = report["tls"]
    if tls:
        tls = {name: tls.get(name) for name in ("version", "cipher", "verified", "certificate", "days_left")}
    return dict(short, tls=tls, rules=report["rules"], seconds=report["timings"].get("total"))


def _sentence(summary: Mapping[str, Any], failing: Sequence[Mapping[str, Any]]) -> str:
    """The whole in a sentence; `failing`: the relays that did not pass."""
    counts = ", ".join("%d %s" % (count, verdict.replace("_", " ")) for verdict, count in summary["verdicts"].items())
    text = "%s in %.3g s: %s." % (counted(summary["endpoints"], "relay"), summary["seconds"], counts)
    for name, title in (("causes", "Causes"), ("not_judged", "Rules not judged")):
        most = ["%s (%d)" % pair for pair in Counter(summary[name]).most_common(_SHOWN)]
        text += " %s: %s." % (title, ", ".join(most)) if most else ""
    if len(failing) == 1:  # what it says of itself has the next step
        said = failing[0]["msg"][len(where(failing[0]["host"], failing[0]["port"])) :]
        text += NOT_PASSED + named(failing[0]) + said
    elif failing:
        more = " and %d more" % (len(failing) - _FAILING) if len(failing) > _FAILING else ""
        shown = ["%s: %s" % (named(one), _why(one["failure"])) for one in failing[:_FAILING]]
        often = Counter(_more_about(one["failure"]) for one in failing).most_common(1)[0][0]
        text += "%s%s%s. More: %s" % (NOT_PASSED, ", ".join(shown), more, often)
    return text


def _why(failure: Mapping[str, Any]) -> str:
    return "%(rule)s unmet" % failure if failure["cause"] == "rule_unmet" else str(failure["cause"])


def _more_about(failure: Mapping[str, Any]) -> str:
    """Where to read on about a cause, or the rule that is unmet; of one by stage, `codes.rcpt`, what all are."""
    if failure["cause"] == "rule_unmet":
        return "mailcheck explain %s" % failure["rule"].partition(".")[0]
    return more_about(failure["cause"])
