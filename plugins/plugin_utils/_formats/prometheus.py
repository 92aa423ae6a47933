# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Prometheus' text format, version 0.0.4: for the textfile collector, or to be served as it is. Base units, no timestamp
# of a sample, and no words of a relay in a label.

from __future__ import annotations

import datetime
from collections import Counter
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._version import __version__
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import not_judged
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.words import encodable
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import VERDICTS

if TYPE_CHECKING:
    from typing import Any, List, Sequence, Tuple

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Arrival, Assessment, Row

_MET = {"met": 1, "unmet": 0, "waived": 0, "unknown": -1}


class _Metrics:
    """Collects samples and writes them by metric, as the text format demands."""

    def __init__(self) -> None:
        self._lines: List[str] = []

    def declare(self, name: str, about: str) -> None:
        self._lines += ["# HELP mailcheck_%s %s" % (name, about), "# TYPE mailcheck_%s gauge" % name]

    def sample(self, name: str, value: float, labels: str = "") -> None:
        self._lines.append("mailcheck_%s%s %s" % (name, "{%s}" % labels if labels else "", repr(value)))

    def text(self) -> str:
        return encodable("\n".join(self._lines) + "\n")


def _labels(**values: Any) -> str:
    return ",".join('%s="%s"' % (name, _escaped(value)) for name, value in values.items())


def _escaped(value: Any) -> str:
    """A label's value, by the format's three rules. What there is not, such as the port of a socket, is empty."""
    text = "" if value is None else str(value)
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def as_prometheus(assessment: Assessment) -> str:
    """Metrics whose names begin with `mailcheck_`."""
    metrics = _Metrics()
    rows = [(row, _labels(endpoint=row["id"], **row["subject"]["identity"])) for row in assessment["endpoints"]]
    metrics.declare("build_info", "The version of mailcheck that wrote this.")
    metrics.sample("build_info", 1, _labels(version=__version__))
    _verdicts(metrics, rows)
    _rules(metrics, rows)
    _sessions(metrics, rows)
    _totals(metrics, assessment)
    return metrics.text()


def _verdicts(metrics: _Metrics, rows: Sequence[Tuple[Row, str]]) -> None:
    metrics.declare("passed", "Whether the check passed.")
    for row, labels in rows:
        metrics.sample("passed", int(row["verdict"] == "passed"), labels)
    metrics.declare("verdict", "What became of the check: 1 for the verdict that holds, 0 for the others.")
    for row, labels in rows:
        for verdict in VERDICTS:
            metrics.sample("verdict", int(row["verdict"] == verdict), labels + ',verdict="%s"' % verdict)
    metrics.declare("failure_info", "Why a check did not pass: a cause of the closed list, and the stage.")
    for row, labels in rows:
        if row["cause"]:
            metrics.sample("failure_info", 1, labels + "," + _labels(cause=row["cause"], stage=row["stage"] or ""))


def _rules(metrics: _Metrics, rows: Sequence[Tuple[Row, str]]) -> None:
    """A rule is the same series whatever becomes of it; what is to be mended is a series while it is."""
    metrics.declare("rule_met", "What became of a rule: 1 met, 0 unmet or waived, -1 not judged.")
    for row, labels in rows:
        for rule in row["rules"]:
            metrics.sample("rule_met", _MET[rule["outcome"]], labels + "," + _labels(rule=rule["id"]))
    metrics.declare("finding_info", "A rule that is unmet and for which no waiver holds.")
    for row, labels in rows:
        for rule in row["rules"]:
            if rule["outcome"] == "unmet":
                own = _labels(rule=rule["id"], severity=rule["severity"])
                metrics.sample("finding_info", 1, labels + "," + own)


def _sessions(metrics: _Metrics, rows: Sequence[Tuple[Row, str]]) -> None:
    metrics.declare("tls_info", "The TLS version and cipher that were agreed on.")
    for row, labels in rows:
        if row["tls"]:
            own = _labels(version=row["tls"]["version"] or "", cipher=row["tls"]["cipher"] or "")
            metrics.sample("tls_info", 1, labels + "," + own)
    metrics.declare("certificate_verified", "Whether the certificate was accepted.")
    for row, labels in rows:
        if row["tls"] and row["tls"]["verified"] is not None:
            metrics.sample("certificate_verified", int(row["tls"]["verified"]), labels)
    metrics.declare("certificate_not_after_timestamp_seconds", "When the certificate expires.")
    for row, labels in rows:
        if row["not_after"]:
            metrics.sample("certificate_not_after_timestamp_seconds", _timestamp(row["not_after"]), labels)
    metrics.declare("check_duration_seconds", "How long the check took.")
    for row, labels in rows:
        if row["seconds"] is not None:
            metrics.sample("check_duration_seconds", row["seconds"], labels)
    arrivals = [(row["arrivals"], labels) for row, labels in rows if row.get("arrivals")]
    if arrivals:
        _arrivals(metrics, arrivals)


def _totals(metrics: _Metrics, assessment: Assessment) -> None:
    metrics.declare("findings", "Unmet rules and expired waivers, by severity.")
    for severity, count in assessment["summary"]["findings"].items():
        metrics.sample("findings", count, _labels(severity=severity))
    unknown = Counter(rule["severity"] for rule in not_judged(assessment))
    metrics.declare("not_judged", "Rules that could not be judged, by severity.")
    for severity in assessment["summary"]["findings"]:
        metrics.sample("not_judged", unknown[severity], _labels(severity=severity))
    metrics.declare("expired_waivers", "Waivers that have run out.")
    metrics.sample("expired_waivers", assessment["summary"]["expired_waivers"])
    if assessment["checked_at"]:
        metrics.declare("checked_timestamp_seconds", "When the last of the checks ended.")
        metrics.sample("checked_timestamp_seconds", _timestamp(assessment["checked_at"]))


def _arrivals(metrics: _Metrics, rows: Sequence[Tuple[List[Arrival], str]]) -> None:
    """Of mailboxes that could be looked at: where one could not, nothing is known of arrivals."""
    metrics.declare("mail_awaited", "Messages that were waited for in a mailbox.")
    for arrivals, labels in rows:
        metrics.sample("mail_awaited", len(arrivals), labels)
    metrics.declare("mail_arrived", "Messages of these that arrived.")
    for arrivals, labels in rows:
        if all(one["found"] is not None for one in arrivals):
            metrics.sample("mail_arrived", sum(map(bool, (one["found"] for one in arrivals))), labels)
    metrics.declare("mail_arrived_in_junk", "Messages that arrived in the folder for spam.")
    for arrivals, labels in rows:
        if all(one["found"] is not None for one in arrivals):
            metrics.sample("mail_arrived_in_junk", sum(map(bool, (one["junk"] for one in arrivals))), labels)
    metrics.declare("mail_arrival_seconds", "Seconds until the last message that arrived was seen.")
    for arrivals, labels in rows:
        seconds = [one["seconds"] for one in arrivals if one["seconds"] is not None]
        if seconds:
            metrics.sample("mail_arrival_seconds", max(seconds), labels)


def _timestamp(moment: str) -> float:
    return datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()
