# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: one relay, and many.
#
# The result comes first: what is wrong, what was seen, and the next step. Then the facts, in groups, and of the
# dialogue the end where something is wrong.

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import counted
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.summary import NOT_PASSED, named
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import not_judged
from postmaster_mailcheck.commands.words import in_flags
from postmaster_mailcheck.views import lines
from postmaster_mailcheck.views.lines import LABEL, NORMAL, OUTCOMES, QUIET, VERBOSE, Line, row
from postmaster_mailcheck.views.results import more, next_steps, result

if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Mapping

_LAST = 8  # lines of the dialogue with a relay that does not pass
_SOON = 21  # days, in which a certificate expires


def check(report: Mapping[str, Any], detail: int) -> Iterator[Line]:
    yield from result(report)
    told = ["%s: %s." % (rule["id"], rule["text"]) for rule in report["rules"]]
    yield from lines.warnings(warning for warning in report["warnings"] if warning not in told)
    if detail == QUIET:
        return
    yield from lines.groups(
        _session(report),
        _tls(report["tls"] or {}),
        _mail(report),
        lines.rules(report["rules"], told=(report["failure"] or {}).get("rule")),
        _survey(report["survey"] or {}),
        _dialogue(report, detail),
        *_behind_rules(report, detail),
    )


def _session(report: Mapping[str, Any]) -> Iterator[Line]:
    if report["address"]:
        source = ", from %s" % report["local_address"] if report["local_address"] else ""  # a Unix socket has none
        yield row("address", report["address"] + source)
    else:
        for attempt in report["addresses_tried"]:
            yield row("address", "%(address)s: %(outcome)s after %(seconds).1f s" % attempt)
    if report["greeting"]:
        yield row("greeting", "%(code)s %(text)s" % report["greeting"])
    if report["capabilities"] is not None:
        offers = (" ".join([keyword, *words]) for keyword, words in report["capabilities"].items())
        yield row("offers", ", ".join(offers) or "no extension")
    if report["timings"]:
        yield row("seconds", ", ".join("%s %.3f" % pair for pair in report["timings"].items()))


def _tls(tls: Mapping[str, Any]) -> Iterator[Line]:
    if not tls:
        return
    trust = {True: "verified", False: ", ".join(tls["verify_errors"]), None: "certificate not judged"}[tls["verified"]]
    if tls["version"]:
        yield row("TLS", "%s %s, %s" % (tls["version"], tls["cipher"], trust), "green" if tls["verified"] else "yellow")
    if tls["certificate"]:
        yield from _certificate("certificate", tls["certificate"])


def _certificate(label: str, leaf: Mapping[str, Any]) -> Iterator[Line]:
    names = ", ".join(name.partition(":")[2] for name in leaf["subject_alt_names"])
    yield row(label, "%s, from %s" % (names or leaf["subject"], leaf["issuer"]))
    yield row("", "until %s, %s" % (leaf["not_after"], _days(leaf["days_left"])), _soon(leaf["days_left"]))


def _days(left: int) -> str:
    return "%s left" % counted(left, "day") if left >= 0 else "expired"


def _soon(days_left: int) -> str:
    return "" if days_left > _SOON else "yellow"


def _mail(report: Mapping[str, Any]) -> Iterator[Line]:
    if report["auth"]:
        accepted = report["auth"]["accepted"]
        told = "signed in" if accepted else "refused"
        yield row("sign-in", "%s by %s" % (told, report["auth"]["mechanism"]), "green" if accepted else "red")
    for to in report["recipients"]:
        text = "%(address)s: %(outcome)s, %(code)s %(text)s" % to
        yield row("recipient", text, OUTCOMES.get(to["outcome"], "yellow"))
    for reply in report["extra_replies"]:
        yield row("command", "%(command)s: %(code)s %(text)s" % reply)
    message = report["message"]
    if message:
        queued = "queued as " + message["queue_id"] if message["queue_id"] else None
        size = counted(message["size"], "octet")
        yield row("message", ", ".join(filter(None, (message["message_id"], size, queued))))


def _survey(survey: Mapping[str, Any]) -> Iterator[Line]:
    """What the relay's TLS can do besides what the session used: a handshake each."""
    if not survey:
        return
    for version, answer in survey["versions"].items():
        chosen = survey["ciphers"][version]
        suite = ", ".join(filter(None, (chosen["cipher"], chosen["group"]))) if chosen else ""
        yield row("survey", "%s: %s%s" % (version, answer.replace("_", " "), " (%s)" % suite if suite else ""))
    if survey["cipher_order"]:
        yield row("", "TLSv1.2: the %s's order of suites counts" % survey["cipher_order"])
    for kind, leaf in survey["certificates"].items():
        if leaf:
            yield from _certificate("%s key" % kind, leaf)


def _dialogue(report: Mapping[str, Any], detail: int) -> Iterator[Line]:
    """All of it where that is asked for, and its end where that is what failed. Of unmet rules it tells nothing."""
    said = [line for entry in report.get("transcript") or () for line in _said(entry)]
    failure = report["failure"]
    if detail == VERBOSE:
        yield from said
    elif failure and failure["cause"] != "rule_unmet":
        if len(said) > _LAST:
            yield lines.text("The dialogue's last lines; --verbose shows all:", "dim")
        yield from said[-_LAST:]


def _behind_rules(report: Mapping[str, Any], detail: int) -> Iterator[List[Line]]:
    """Where all is asked for: what was said on the connections that rules had of their own, a group for each."""
    for rule, dialogues in (report.get("rule_transcripts") or {}).items() if detail == VERBOSE else ():
        for dialogue in dialogues:
            said = [line for entry in dialogue for line in _said(entry)]
            yield [lines.text("The dialogue behind %s:" % rule, "dim"), *said]


def _said(entry: Mapping[str, Any]) -> Iterator[Line]:
    head = "%7.3f %s %s " % (entry["at"], "TLS" if entry["tls"] else "   ", ">" if entry["from"] == "client" else "<")
    hang = len(head)
    for text in entry["text"].split("\n"):
        yield Line(((head, "dim"), (text, "cyan" if entry["from"] == "client" else "")), hang)
        head = " " * hang


# A fleet


def sweep(result: Mapping[str, Any], detail: int) -> Iterator[Line]:
    """The whole, then what did not pass, by its causes, then the rest."""
    yield lines.text(result["msg"].partition(NOT_PASSED)[0], "bold")  # the causes follow, each with its next step
    yield from _expiry(result["summary"]["soonest_expiry"])
    yield from lines.warnings(result.get("warnings", ()))
    rows = result["endpoints"]
    by_cause: Dict[str, List[Mapping[str, Any]]] = {}
    for one in rows:
        if one["failure"]:
            by_cause.setdefault(one["failure"]["cause"], []).append(one)
    for alike in by_cause.values():
        yield Line()
        yield from _alike(alike, detail)
    if detail >= NORMAL:
        yield from lines.groups(_rows(rows))


def _alike(alike: List[Mapping[str, Any]], detail: int) -> Iterator[Line]:
    """What several relays have in common is said once; what each of them said, for each."""
    first = alike[0]["failure"]
    verdict = lines.word_of(alike[0])
    unmet = first["cause"] == "rule_unmet"  # what it means is what each of them shows
    meaning = "" if unmet else ": " + in_flags(first["explanation"])
    yield Line((verdict, (first["cause"], "bold"), (meaning, "")), LABEL)
    for one in alike:
        failure = one["failure"]
        code = "%s " % failure["code"] if failure.get("code") is not None else ""
        place = failure["rule"] if unmet else "at %s" % failure["stage"]
        said = ": %s: %s%s" % (place, code, " ".join(failure["text"].split("\n")))
        yield Line(((" " * LABEL, ""), (named(one), "bold"), (said, "")), LABEL + 2)
        if detail == VERBOSE:
            yield from lines.groups(_dialogue(one, detail), *_behind_rules(one, detail))
    for step in next_steps(alike):
        yield row("next", step)
    for name in dict.fromkeys(one["failure"]["rule"] if unmet else first["cause"] for one in alike):
        yield more(name)


def _rows(rows: List[Mapping[str, Any]]) -> Iterator[Line]:
    names = [named(one) for one in rows]
    width = max(map(len, names), default=0)
    for name, one in zip(names, rows):
        yield Line((lines.word_of(one), (name.ljust(width + 2), "bold"), (_short(one), "")), LABEL + 2)


def _short(row: Mapping[str, Any]) -> str:
    if row["failure"]:
        return str(row["failure"]["cause"])
    unknown = not_judged(row["rules"])
    version = str(row["tls"]["version"]) if row["tls"] else "no TLS"
    return version + (", not judged: " + ", ".join(unknown) if unknown else "")


def _expiry(soonest: Any) -> Iterator[Line]:
    if not soonest:
        return
    names = ", ".join(soonest["names"])
    more = soonest["endpoints"] - len(soonest["names"])
    shared = names + (" and %d more" % more if more else "")
    days, ends = soonest["days_left"], soonest["not_after"]
    when = "expired at %s" % ends if days < 0 else "in %s (%s)" % (counted(days, "day"), ends)
    yield lines.text("The first certificate to expire: that of %s, %s." % (shared, when), _soon(days))
