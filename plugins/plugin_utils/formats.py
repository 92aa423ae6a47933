# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection. The text formats of an assessment: each is one function from plain data to text.
#
# All keep the order of the input, so that equal assessments give equal text. What relays say is escaped here, by each
# format's own rules. Markdown and HTML, which are more text than structure, are templates in data/.

from __future__ import annotations

import base64
import datetime
import functools
import hashlib
import json
import os
import re
from collections import Counter
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import jinja2
import markupsafe

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.replies import printable
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.assessment import (
    OUTCOMES,
    VERDICTS,
    findings,
    stable_form,
)
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.profiles import SEVERITIES

if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence

    Assessment = Mapping[str, Any]


DATA = os.path.join(os.path.dirname(__file__), "data")


def _encodable(text: str) -> str:
    """Half a surrogate pair, which no file can hold, as an escape: names and waivers are the caller's own text."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


# JSON


def as_json(assessment: Assessment, stable: bool = False) -> str:
    """JSON with a line for each rule and each plain value, so that `diff` and version control show what changed."""
    return _laid_out(stable_form(assessment) if stable else assessment) + "\n"


def _laid_out(value: Any, indent: str = "") -> str:
    """Dictionaries and lists that hold others over several lines; what is flat, in one."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    deep = any(isinstance(one, (dict, list, tuple)) and one for one in inner)
    if not deep or (isinstance(value, dict) and "outcome" in value):
        return json.dumps(value)
    below = indent + " "
    if isinstance(value, dict):
        lines = [below + json.dumps(str(name)) + ": " + _laid_out(one, below) for name, one in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + indent + "}"
    return "[\n" + ",\n".join(below + _laid_out(one, below) for one in value) + "\n" + indent + "]"


# JUnit XML

# Characters that XML 1.0 cannot hold at all.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _xml(text: Any) -> str:
    return _NOT_XML.sub("\ufffd", str(text))


def as_junit(assessment: Assessment, suite: str = "mailcheck") -> str:
    """JUnit XML: a suite for each relay, a test case for each of its rules; unknown and waived are skipped."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for number, endpoint in enumerate(assessment["endpoints"]):
        counts = Counter(rule["outcome"] for rule in endpoint["rules"])
        lines.append(
            _suite_tag(
                number, suite, endpoint["id"], endpoint["host"], endpoint["checked_at"] or assessment["checked_at"]
            )
            + ' tests="%d" failures="%d" errors="0" skipped="%d" time="%.3f">'
            % (len(endpoint["rules"]), counts["unmet"], counts["unknown"] + counts["waived"], endpoint["seconds"] or 0)
        )
        lines.append("<properties/>")
        name = quoteattr(_xml("%s.%s" % (suite, endpoint["id"])))
        lines.extend(_case(name, rule) for rule in endpoint["rules"])
        lines.append("<system-out>%s</system-out>" % escape(_xml(endpoint["msg"])))
        lines.append("<system-err/>")
        lines.append("</testsuite>")
    if assessment["waivers"]:
        lines.extend(_waiver_suite(assessment, suite))
    return "\n".join([*lines, "</testsuites>", ""])


def _suite_tag(number: int, suite: str, name: str, host: str, checked_at: Optional[str]) -> str:
    named = (number, quoteattr(_xml(suite)), quoteattr(_xml(name)), quoteattr(_xml(host) or "localhost"))
    return '<testsuite id="%d" package=%s name=%s hostname=%s' % named + ' timestamp="%s"' % (
        (checked_at or "1970-01-01T00:00:00Z").rstrip("Z")
    )


def _case(class_name: str, rule: Mapping[str, Any]) -> str:
    case = '<testcase classname=%s name=%s time="0"' % (class_name, quoteattr(_xml(rule["id"])))
    if rule["outcome"] == "met":
        return case + "/>"
    if rule["outcome"] == "unmet":
        return "%s><failure type=%s message=%s>%s</failure></testcase>" % (
            case, quoteattr(rule["severity"]), quoteattr(_xml(rule["text"])), escape(_xml(explain(rule)))
        )  # fmt: skip
    message = waived_by(rule["waiver"]) if rule["outcome"] == "waived" else rule["text"]
    return "%s><skipped message=%s/></testcase>" % (case, quoteattr(_xml(message)))


def _waiver_suite(assessment: Assessment, suite: str) -> Iterator[str]:
    waivers = assessment["waivers"]
    expired = sum(waiver["state"] == "expired" for waiver in waivers)
    yield (
        _suite_tag(len(assessment["endpoints"]), suite, "waivers", "localhost", assessment["checked_at"])
        + ' tests="%d" failures="%d" errors="0" skipped="0" time="0">' % (len(waivers), expired)
    )
    yield "<properties/>"
    for waiver in waivers:
        case = "<testcase classname=%s name=%s" % (
            quoteattr(suite + ".waivers"), quoteattr(_xml("%(rule)s at %(endpoint)s" % waiver))
        )  # fmt: skip
        if waiver["state"] == "expired":
            message = quoteattr(_xml("expired on %(expires)s (%(owner)s: %(reason)s)" % waiver))
            yield '%s time="0"><failure type="medium" message=%s/></testcase>' % (case, message)
        else:
            yield case + ' time="0"/>'
    yield "<system-out/>"
    yield "<system-err/>"
    yield "</testsuite>"


def explain(rule: Mapping[str, Any]) -> str:
    """What is wrong, what to change, and which document says so."""
    lines = [str(rule["text"])]
    if rule.get("reason"):
        lines.append(str(rule["reason"]))
    if rule.get("document"):
        lines.append("Source: " + source(rule))
    if rule.get("remedy"):
        lines.append("Remedy: " + str(rule["remedy"]))
    if rule.get("expired_waiver"):
        lines.append("A waiver has expired: " + waived_by(rule["expired_waiver"]))
    return "\n".join(lines)


def source(rule: Mapping[str, Any]) -> str:
    return " ".join(str(rule[part]) for part in ("document", "section") if rule.get(part))


def waived_by(waiver: Mapping[str, Any]) -> str:
    return "until %(expires)s by %(owner)s: %(reason)s" % waiver


# Prometheus


class _Metrics:
    """Collects samples and writes them by metric, as the text format demands."""

    def __init__(self) -> None:
        self._lines: List[str] = []

    def declare(self, name: str, about: str) -> None:
        self._lines += ["# HELP mailcheck_%s %s" % (name, about), "# TYPE mailcheck_%s gauge" % name]

    def sample(self, name: str, value: float, labels: str = "") -> None:
        self._lines.append("mailcheck_%s%s %s" % (name, "{%s}" % labels if labels else "", repr(value)))

    def text(self) -> str:
        return _encodable("\n".join(self._lines) + "\n")


def _labels(**values: Any) -> str:
    """Label values escaped by the format's three rules."""
    return ",".join(
        '%s="%s"' % (name, str(value).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"'))
        for name, value in values.items()
    )


def as_prometheus(assessment: Assessment) -> str:
    """Prometheus' text format, version 0.0.4: for the textfile collector, or to be served as it is."""
    metrics = _Metrics()
    rows = [
        (endpoint, _labels(endpoint=endpoint["id"], host=endpoint["host"], port=endpoint["port"]))
        for endpoint in assessment["endpoints"]
    ]
    metrics.declare("passed", "Whether the check of the relay passed.")
    for endpoint, labels in rows:
        metrics.sample("passed", int(endpoint["verdict"] == "passed"), labels)
    metrics.declare("verdict", "What became of the check: 1 for the verdict that holds, 0 for the others.")
    for endpoint, labels in rows:
        for verdict in VERDICTS:
            metrics.sample("verdict", int(endpoint["verdict"] == verdict), labels + ',verdict="%s"' % verdict)
    metrics.declare("rule_unmet", "Whether a rule is unmet (1), or met, waived or not judged (0: see outcome).")
    for endpoint, labels in rows:
        for rule in endpoint["rules"]:
            own = _labels(rule=rule["id"], severity=rule["severity"], outcome=rule["outcome"])
            metrics.sample("rule_unmet", int(rule["outcome"] == "unmet"), labels + "," + own)
    metrics.declare("tls_info", "The TLS version and cipher that were agreed on.")
    for endpoint, labels in rows:
        if endpoint["tls"]:
            metrics.sample(
                "tls_info",
                1,
                labels + "," + _labels(**{k: v or "" for k, v in endpoint["tls"].items() if k != "verified"}),
            )
    metrics.declare("certificate_verified", "Whether the relay's certificate was accepted.")
    for endpoint, labels in rows:
        if endpoint["tls"] and endpoint["tls"]["verified"] is not None:
            metrics.sample("certificate_verified", int(endpoint["tls"]["verified"]), labels)
    metrics.declare("certificate_not_after_timestamp_seconds", "When the relay's certificate expires.")
    for endpoint, labels in rows:
        if endpoint["not_after"]:
            metrics.sample("certificate_not_after_timestamp_seconds", _timestamp(endpoint["not_after"]), labels)
    metrics.declare("check_duration_seconds", "How long the check took.")
    for endpoint, labels in rows:
        if endpoint["seconds"] is not None:
            metrics.sample("check_duration_seconds", endpoint["seconds"], labels)
    metrics.declare("findings", "Unmet rules and expired waivers, by severity.")
    for severity, count in assessment["summary"]["findings"].items():
        metrics.sample("findings", count, _labels(severity=severity))
    metrics.declare("expired_waivers", "Waivers that have run out.")
    metrics.sample("expired_waivers", assessment["summary"]["expired_waivers"])
    if assessment["checked_at"]:
        metrics.declare("checked_timestamp_seconds", "When the last of the checks ended.")
        metrics.sample("checked_timestamp_seconds", _timestamp(assessment["checked_at"]))
    return metrics.text()


def _timestamp(moment: str) -> float:
    return datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()


# A table for the terminal

_COLUMNS = ("assessment", "verdict", "relay", "tls", "days", "why")


def as_table(assessment: Assessment) -> str:
    """A plain table, a line for each relay: what it comes to, TLS, days left, and why it is not as it should be."""
    rows = [_COLUMNS]
    for endpoint in assessment["endpoints"]:
        tls = endpoint["tls"] or {}
        days = "" if endpoint["days_left"] is None else str(endpoint["days_left"])
        rows.append(
            (
                endpoint["assessment"],
                endpoint["verdict"],
                printable(endpoint["id"]),  # the caller's own words, and this is for a terminal
                tls.get("version") or "-",
                days,
                printable(_why(endpoint)),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS) - 1)]
    lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[-1]]).rstrip() for row in rows]
    return "\n".join(lines)


def _why(endpoint: Mapping[str, Any]) -> str:
    """The cause of a failed check, then the rules that are not met, by name."""
    failed = endpoint["cause"] not in (None, "rule_unmet")
    words = [endpoint["cause"]] if failed else []
    for outcome in ("unmet", "waived", "unknown"):
        named = [rule["id"] for rule in endpoint["rules"] if rule["outcome"] == outcome and rule["id"] != "check"]
        if named and not (outcome == "unknown" and failed):
            words.append(("" if outcome == "unmet" else outcome + ": ") + ", ".join(named))
    return "; ".join(words)


# Templates


@functools.lru_cache(maxsize=None)
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(DATA),
        autoescape=name.endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(markdown=_markdown, source=source, counted=counted, days_left=_days_left)
    return environment.get_template(name)


_MARKDOWN = re.compile(r"([\\`*_\[\]|~])")


def _markdown(text: Any) -> str:
    """Text that no Markdown reader takes for markup, on one line."""
    line = " ".join(str("" if text is None else text).split())
    return _MARKDOWN.sub(r"\\\1", line).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def counted(number: int, word: str) -> str:
    return "%d %s%s" % (number, word, "" if number == 1 else "s")


def _days_left(certificate: Mapping[str, Any]) -> str:
    days = certificate["days_left"]
    return counted(days, "day") + " left" if days >= 0 else "expired %s ago" % counted(-days, "day")


def as_markdown(assessment: Assessment) -> str:
    """GitHub's Markdown: summary, findings, changes since the last run, waivers, relays."""
    told = dict(assessment, findings=list(findings(assessment)))
    return _encodable(_template("report.md.j2").render(verdicts=VERDICTS, **told))


def as_html(assessment: Assessment) -> str:
    """One page that needs nothing else: no network, and no script but its own (by its content security policy)."""
    script, style = (_asset(name) for name in ("report.js", "report.css"))
    rules = list(dict.fromkeys(rule["id"] for endpoint in assessment["endpoints"] for rule in endpoint["rules"]))
    page = _template("report.html.j2").render(
        verdicts=VERDICTS,
        outcomes=OUTCOMES,
        severities=tuple(reversed(SEVERITIES)),
        rules=rules,
        rows=[_html_row(endpoint, rules) for endpoint in assessment["endpoints"]],
        expiries=_expiries(assessment),
        findings=list(findings(assessment)),
        script=script,
        style=style,
        policy="default-src 'none'; script-src %s; style-src %s; base-uri 'none'; form-action 'none'"
        % (_hash(script), _hash(style)),
        data=_embedded(_compact(assessment["endpoints"])),
        assessment=assessment,
    )
    return _encodable(page)


_OWN = ("outcome", "observed", "text", "waiver", "expired_waiver")  # what a rule says of one relay alone
_CELLS: Dict[Optional[str], str] = {outcome: '<td class="o %s">%s</td>' % (outcome, outcome) for outcome in OUTCOMES}
_CELLS[None] = '<td class="o"></td>'


def _asset(name: str) -> str:
    """A file of ours without its licence header, which is the page's own."""
    with open(os.path.join(DATA, name), encoding="utf-8") as file:
        return file.read().partition("*/\n")[2]


def _hash(text: str) -> str:
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(value: Any) -> markupsafe.Markup:
    """JSON inside a script element: nothing in it can end the element."""
    text = json.dumps(value, separators=(",", ":"))
    return markupsafe.Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _compact(endpoints: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """The relays, with what a rule says of all of them told once: that is most of the page's size."""
    kinds: Dict[str, int] = {}
    known: List[Dict[str, Any]] = []
    shown = []
    for endpoint in endpoints:
        rules = []
        for rule in endpoint["rules"]:
            own = {name: rule[name] for name in ("waiver", "expired_waiver") if name in rule}
            kind = {name: value for name, value in rule.items() if name not in _OWN}
            key = repr(kind)
            if key not in kinds:
                kinds[key] = len(known)
                known.append(kind)
            rules.append([kinds[key], rule["outcome"], rule["observed"], rule["text"], *([own] if own else [])])
        shown.append({**endpoint, "rules": rules})
    return {"kinds": known, "endpoints": shown}


def _html_row(endpoint: Mapping[str, Any], rules: Sequence[str]) -> Dict[str, Any]:
    outcomes = {rule["id"]: rule["outcome"] for rule in endpoint["rules"]}
    cells = [_CELLS[outcomes.get(rule)] for rule in rules]
    return {
        **endpoint,
        "why": _why(endpoint),
        "outcomes": " ".join(sorted(set(outcomes.values()))),
        "cells": markupsafe.Markup("".join(cells)),  # made of our own words alone
    }


def _expiries(assessment: Assessment) -> List[Dict[str, Any]]:
    """Each certificate in use, the first to expire first, with the relays that show it."""
    shown: Dict[str, List[str]] = {}
    for endpoint in assessment["endpoints"]:
        if endpoint["certificate"] in assessment["certificates"]:
            shown.setdefault(endpoint["certificate"], []).append(endpoint["id"])
    rows: Iterable[Dict[str, Any]] = (
        {**assessment["certificates"][name], "relays": ids} for name, ids in shown.items()
    )
    return sorted(rows, key=lambda row: str(row["not_after"]))
