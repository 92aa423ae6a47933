# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# One relay audited from several places: what differs between them, and what that means.
#
# Relays answer by who asks. What one does for its own networks alone is no finding, once somebody outside, who came by
# the same IP version, has been refused it; until then nobody knows. What relays seldom make depend on who asks may show
# that somebody else answered.

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import where
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._relays import which_relay
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError

if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

    Audited = Tuple[str, Optional[int], str]  # host, port, and the name where several are of one relay

_SEVERITIES = ("high", "medium", "low", "info")
# Probe -> what it means that its finding is seen from inside the relay's own networks, and from nowhere else.
_FROM_INSIDE = {
    "relaying": (
        "open only from inside its own networks: not an open relay. See that none but hosts of yours are in them "
        "(Postfix: mynetworks; Exim: relay_from_hosts)"
    ),
    "smuggling": (
        "taken only from inside its own networks, which Postfix exempts by default "
        "(smtpd_forbid_bare_newline_exclusions = $mynetworks): strangers smuggle nothing in"
    ),
    "auth_offered_in_clear": "only who is inside is offered it, whose way to the relay counts as secure there",
    "auth_begun_in_clear": "only who is inside is let in so, whose way to the relay counts as secure there",
    "auth_attempts": "limits do not hold inside its own networks (Postfix: smtpd_client_event_limit_exceptions)",
    "vrfy": "only who is inside is told, and strangers are not",
    "expn": "only who is inside is told, and strangers are not",
    "rcpt": "only who is inside is told, and strangers are not",
    "ntlm_names": "only who is inside is told, and strangers are not",
    "recipient_limit": "only who is inside meets it",
}


class Seen(NamedTuple):
    """What one place has seen of one probe."""

    place: str
    inside: bool
    status: str
    text: str
    severity: Optional[str]
    report: Mapping[str, Any]  # of the relay, as that place has it; empty where there is none


def audit_differences(results: Mapping[str, Any], inside: Sequence[str] = ()) -> Dict[str, Any]:
    """Return what differs between audits of the same relays from several places, and what is alike and no pass.

    `results`: place -> what smtp_audit returned there, of one relay or of several, or rows of that; `inside`: the
    places in the relays' own networks. Returns `msg`, `differences` and `shared`: see the filter's documentation.
    Raises AssessmentError.
    """
    if not isinstance(inside, (list, tuple)):
        raise AssessmentError("inside: must be a list of names")
    for index, name in enumerate(inside):
        if not isinstance(name, str) or name not in results:
            raise AssessmentError("inside[%d]: the results have no place of this name" % index)
    if len(results) < 2:
        raise AssessmentError("give the results of two places or more: alone, none differs")
    by_place = _by_place(results)
    differences, shared = [], []
    for relay in dict.fromkeys(relay for reports in by_place.values() for relay in reports):
        reports = {place: by_place[place].get(relay) or {} for place in by_place}
        for name in dict.fromkeys(one["name"] for report in reports.values() for one in _asked(report)):
            seen = [_seen(place, place in inside, report, name) for place, report in reports.items()]
            statuses = {one.status for one in seen}
            if len(statuses) > 1:
                differences.append(_difference(relay, name, seen))
            elif statuses != {"pass"}:
                shared.append(_shared(relay, name, seen))
    found: Dict[str, Any] = {"differences": differences, "shared": shared}
    return {"msg": " ".join(_sentences(list(results), differences, shared)), **found}


def _by_place(results: Mapping[str, Any]) -> Dict[str, Dict[Audited, Mapping[str, Any]]]:
    """Return place -> relay -> its report; what a place has asked of one more than once is told apart by names."""
    rows = {place: _reports(given) for place, given in results.items()}
    counts = [Counter(map(which_relay, given)) for given in rows.values()]
    by_place: Dict[str, Dict[Audited, Mapping[str, Any]]] = {place: {} for place in rows}
    for place, given in rows.items():
        for one in given:
            relay = which_relay(one)
            named = max(count[relay] for count in counts) > 1
            audited = (*relay, str(one.get("name") or "") if named else "")
            before = by_place[place].setdefault(audited, one)
            if before["probes"] != one["probes"]:  # rows that asked for the same share one audit
                text = "%s has %s twice under one name, and each came to something else: give each a name of its own"
                raise AssessmentError(text % (place, where(*relay)))
    return by_place


def _reports(given: Any) -> Sequence[Mapping[str, Any]]:
    """Return the reports of relays in a result, each with its `probes`."""
    found = given
    if isinstance(given, dict):
        found = given["endpoints"] if "endpoints" in given else [given]
    if not isinstance(found, (list, tuple)) or not all(isinstance(one, dict) and "probes" in one for one in found):
        raise AssessmentError("this is no result of smtp_audit: it has neither probes nor endpoints that have")
    return found


def _asked(report: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    """Return the probes of a report but those that another program would have to ask: that is so everywhere."""
    return [one for one in report.get("probes", ()) if not one["left_to"]]


def _seen(place: str, inside: bool, report: Mapping[str, Any], name: str) -> Seen:
    for one in report.get("probes", ()):
        if one["name"] == name:
            return Seen(place, inside, one["status"], one["text"], one["severity"], report)
    lacks = "it was not asked from there" if report else "the relay was not audited from there"
    return Seen(place, inside, "unknown", lacks, None, report)


def _difference(relay: Audited, name: str, seen: Sequence[Seen]) -> Dict[str, Any]:
    stands, means = _meaning(name, seen)
    return {
        **_about(relay, name, seen),
        "stands": stands,
        "means": means,
        "seen": {one.place: {"status": one.status, "text": one.text} for one in seen},
    }


def _shared(relay: Audited, name: str, seen: Sequence[Seen]) -> Dict[str, Any]:
    finding = seen[0].status == "finding"
    return {**_about(relay, name, seen), "status": seen[0].status, "stands": finding or None, "text": seen[0].text}


def _about(relay: Audited, name: str, seen: Sequence[Seen]) -> Dict[str, Any]:
    severities = sorted(filter(None, (one.severity for one in seen)), key=_SEVERITIES.index)
    probes = [one for each in seen for one in each.report.get("probes", ()) if one["name"] == name]
    remedy = next((one["remedy"] for one in probes if one["remedy"]), "")
    return {"relay": _shown(*relay), "probe": name, "severity": next(iter(severities), None), "remedy": remedy}


def _shown(host: str, port: Optional[int], name: str) -> str:
    relay = where(host, port)
    return relay if name in ("", host, relay) else "%s (%s)" % (relay, name)


def _meaning(name: str, seen: Sequence[Seen]) -> Tuple[Optional[bool], str]:
    """Return whether the finding stands, None where nobody knows yet, and what the difference means."""
    found, passed, open_ = ([one for one in seen if one.status == status] for status in ("finding", "pass", "unknown"))
    unsettled = "; from %s nothing is known: %s" % (_names(open_), open_[0].text) if open_ else ""
    if not found:
        return None, "nothing is found from %s%s" % (_names(passed), unsettled)
    outside = [one for one in found if not one.inside]
    if name == "certificate" and passed:
        return None, "each place trusts authorities of its own: compare with one ca_path for all" + unsettled
    if name not in _FROM_INSIDE and passed:
        return True, "relays seldom make this depend on who asks: %s%s" % (_who_answers(found, passed), unsettled)
    if outside:
        return True, _from_outside(name, outside, passed) + unsettled
    refused = {_family(one) for one in passed if not one.inside}
    if {_family(one) for one in found} <= refused - {""}:
        return False, _FROM_INSIDE[name] + unsettled
    asked = "outside by the same IP version" if refused else "outside"
    return None, "found from inside, where it may be as it should be: ask from %s to know%s" % (asked, unsettled)


def _from_outside(name: str, found: Sequence[Seen], passed: Sequence[Seen]) -> str:
    text = "found from %s, which nobody has said to be inside" % _names(found)
    if passed:
        text += ", and not from %s" % _names(passed)
    if passed and {_family(one) for one in found}.isdisjoint({_family(one) for one in passed} | {""}):
        text += ". They come by another IP version: a restriction may have been written for the other one alone"
    if name == "relaying":
        text += ". If that is one of the relay's own networks, name it inside; if not, the relay relays for strangers"
    return text


def _who_answers(found: Sequence[Seen], passed: Sequence[Seen]) -> str:
    addresses = [sorted({str(one.report.get("address")) for one in seen}) for seen in (found, passed)]
    if addresses[0] != addresses[1]:
        reached = "%s reached %s, and %s %s" % (
            _names(found), ", ".join(addresses[0]), _names(passed), ", ".join(addresses[1]),
        )  # fmt: skip
        return reached + ", and only the former has the finding"
    return "something between %s or %s and the relay may answer in its place" % (_names(found), _names(passed))


def _family(one: Seen) -> str:
    """The IP version by which a place has come, or nothing where that is not known."""
    address = one.report.get("address")
    return "" if not address else "IPv6" if ":" in address else "IPv4"


def _names(seen: Sequence[Seen]) -> str:
    return ", ".join(
        "%s (%s)" % (one.place, one.report["local_address"]) if one.report.get("local_address") else one.place
        for one in seen
    )


def _sentences(
    places: List[str], differences: Sequence[Mapping[str, Any]], shared: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    between = ", ".join(places)
    if not differences:
        yield "No probe differs between %s." % between
    for one in differences:
        yield "%s: %s." % (_titled(one), one["means"])
    for status, word in (("finding", "Found"), ("unknown", "Not known")):
        names = [_titled(one) for one in shared if one["status"] == status]
        if names:
            yield "%s from each of them: %s." % (word, ", ".join(names))


def _titled(one: Mapping[str, Any]) -> str:
    return "%s %s" % (one["relay"], one["probe"]) + (" (%s)" % one["severity"] if one["severity"] else "")
