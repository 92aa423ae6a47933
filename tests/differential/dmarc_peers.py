# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DMARC policies beside those of checkdmarc, on names by chance: dmarc_peers.py [number of names] [first seed].

A disagreement is judged against RFC 9989 in JUDGED: a row writes the records as the standard has them read, in words
that checkdmarc reads so, too. What no row brings to agreement fails; so does, of enough names, a row that never does.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from typing import Any, Callable, List, NamedTuple, Optional, Tuple

import checkdmarc.dmarc as peer
import dns.resolver

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.dmarc.policy import look_up_dmarc
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import ABSENT, Answer, Question
from ansible_collections.postmaster.mailcheck.tests.differential.dmarc_zones import Case, case_of
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.zones import answers_of

COUNT = 10_000  # of fewer names some may not show all that is judged
SHOWN = 5
_LONG = {"r": "relaxed", "s": "strict"}


class Seen(NamedTuple):
    """What applies to a name. Without a policy nothing else is compared: receivers do as if there were no DMARC."""

    policy: Optional[str]
    policy_domain: Optional[str] = None
    below: Tuple[Optional[str], Optional[str]] = (None, None)  # sp, np
    alignment: Tuple[str, str] = ("", "")
    rest: Tuple[str, str, bool] = ("", "", False)  # fo, psd, t
    uris: Tuple[Tuple[str, ...], Tuple[str, ...]] = ((), ())


def by_us(case: Case) -> Seen:
    answers = answers_of({"_dmarc." + name: [("TXT", [text]) for text in texts] for name, texts in case.zone.items()})
    existence = Question(case.domain, "SOA")
    answers[case.domain, "SOA"] = Answer(existence, ABSENT, exists=case.exists)
    facts = play(look_up_dmarc(case.domain), answers)
    if facts.policy is None:
        return Seen(None)
    below = (facts.subdomain_policy, facts.nonexistent_policy)
    alignment = (facts.dkim_alignment, facts.spf_alignment)
    rest = (facts.failure_options.lower(), facts.psd, facts.testing)
    return Seen(facts.policy, facts.policy_domain, below, alignment, rest, (facts.rua, facts.ruf))


def by_checkdmarc(case: Case) -> Seen:
    def query_dns(name: str, _kind: str, **_options: Any) -> List[str]:
        texts = case.zone.get(name[len("_dmarc.") :]) if name.startswith("_dmarc.") else None
        if not texts:
            raise dns.resolver.NoAnswer
        return texts

    peer.query_dns = query_dns
    peer.get_mx_records = lambda *_names, **_options: [{"hostname": "mx.example.com"}]
    peer.verify_dmarc_report_destination = lambda *_names, **_options: None
    try:
        found = peer.query_dmarc_record(case.domain, ignore_unrelated_records=True)
        tags = peer.parse_dmarc_record(found["record"], found["location"])["tags"]
    except peer.DMARCRecordNotFound:
        return Seen(None)
    except peer.DMARCError as error:
        # A tag-list with a tag twice is none (RFC 6376 3.2): receivers do as if there were no policy.
        return Seen(None if str(error).startswith("Duplicate") else "refused: %s" % error)
    said = {name: tags[name]["value"] for name in tags}
    policy = said["p"] if found["location"] == case.domain else said["sp"] if case.exists else said["np"]
    uris = tuple(tuple(_mailto(said.get(name, ()))) for name in ("rua", "ruf"))
    rest = (said["fo"], said["psd"], said["t"] == "y")
    alignment = (_LONG[said["adkim"]], _LONG[said["aspf"]])
    return Seen(policy, found["location"], (said["sp"], said["np"]), alignment, rest, (uris[0], uris[1]))


def _mailto(uris: Any) -> List[str]:
    """The addresses that receivers have to support, each once; the others checkdmarc lists as well."""
    return list(dict.fromkeys("mailto:" + uri["address"] for uri in uris if uri["scheme"] == "mailto"))


# What the standard has read, in words that checkdmarc reads so, too


def _records(change: Callable[[List[str]], List[str]]) -> Callable[[Case], Case]:
    """Change the TXT records of each name."""
    return lambda case: case._replace(zone={name: change(texts) for name, texts in case.zone.items()})


def _parts(change: Callable[[List[Tuple[str, str, str]]], List[str]]) -> Callable[[Case], Case]:
    """Change each record, of which it gets the parts behind the version: name, value, and both as they stand."""

    def changed(texts: List[str]) -> List[str]:
        return [_rewritten(text) if _RECORD.match(text) else text for text in texts]

    def _rewritten(text: str) -> str:
        version, *rest = text.split(";")
        split = [(part.partition("="), part) for part in rest]
        named = [(words[0].strip().lower(), words[2].strip(" \t"), part) for words, part in split]
        kept = change(named)
        return text if kept == rest else ";".join([version, *kept])

    return _records(changed)


_RECORD = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)")
_TAG = re.compile(r"[ \t]*[A-Za-z]+[ \t]*=[ \t]*[\x21-\x3a\x3c-\x7e][\x20-\x3a\x3c-\x7e]*[ \t]*")
_POLICY = re.compile(r"[ \t]*[A-Za-z]+[ \t]*=[\t\x20-\x3a\x3c-\x7e]*")
_POLICY_TAGS = ("p", "sp", "np")
_POLICIES = ("none", "quarantine", "reject")
_RIGHT = {"fo": r"[01ds](:[01ds])*", "psd": "[ynu]", "t": "[yn]"}


def _discarded(texts: List[str]) -> List[str]:
    found = [text for text in texts if _RECORD.match(text)]
    return found if len(found) == 1 else []


def _without_malformed(parts: List[Tuple[str, str, str]]) -> List[str]:
    """A policy that is none stays, for it counts; what is empty is none, and what has a tab in it."""
    return [part for name, value, part in parts if (_POLICY if name in _POLICY_TAGS else _TAG).fullmatch(part)]


def _without_wrong_values(parts: List[Tuple[str, str, str]]) -> List[str]:
    return [part for name, value, part in parts if re.fullmatch(_RIGHT.get(name, ".*"), value, re.IGNORECASE)]


def _twice(parts: List[Tuple[str, str, str]]) -> bool:
    names = ["v", *(name for name, _value, _part in parts if name)]
    return len(set(names)) < len(names)


def _with_every_tag_once(parts: List[Tuple[str, str, str]]) -> List[str]:
    return ["p=none", "p=none"] if _twice(parts) else [part for _name, _value, part in parts]


def _with_known_policies(parts: List[Tuple[str, str, str]]) -> List[str]:
    rest = [part for _name, _value, part in parts]
    wrong = [one for one in parts if one[0] in _POLICY_TAGS and one[1].lower() not in _POLICIES]
    if not wrong or _twice(parts):
        return rest
    reports = [part for name, value, part in parts if name == "rua" and _good_uris(value)]
    others = [part for name, _value, part in parts if name not in _POLICY_TAGS]
    return [*others, "p=none"] if reports else [*others, "p=none", "p=none"]  # a tag twice: no policy


def _good_uris(value: str) -> List[str]:
    """The mailto addresses in a list, as the standard reads them."""
    good = re.compile(
        r"mailto:[!-~]+@([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)+[a-z0-9-]*[a-z0-9]\.?(![0-9]+[kmgt]?)?", re.I
    )
    return [uri.strip(" \t") for uri in value.split(",") if good.fullmatch(uri.strip(" \t"))]


def _without_other_uris(parts: List[Tuple[str, str, str]]) -> List[str]:
    kept = []
    for name, value, part in parts:
        good = _good_uris(value) if name in ("rua", "ruf") else []
        if name not in ("rua", "ruf") or len(good) == len(value.split(",")):
            kept.append(part)
        elif good:
            kept.append("%s=%s" % (name, ",".join(good)))
    return kept


def _without_colons(parts: List[Tuple[str, str, str]]) -> List[str]:
    return [re.sub(r"(mailto:[^:@,]*):+(?=[^,]*@)", r"\1", part) for _name, _value, part in parts]


# Here we are asked once more, about the same records.
COLON = ("it takes no colon in an address; RFC 6068 2 lets one stand", _parts(_without_colons))
JUDGED: List[Tuple[str, Callable[[Case], Case]]] = [
    (
        "it refuses a name with several records, or with one behind a blank; RFC 9989 4.10 discards these, and goes on",
        _records(_discarded),
    ),
    (
        "it refuses a record with a part that is no tag; RFC 9989 4.8 discards the part",
        _parts(_without_malformed),
    ),
    (
        "it refuses a record for a value of fo, psd or t; RFC 9989 4.8 takes the default",
        _parts(_without_wrong_values),
    ),
    (
        "it looks for no tag twice among those it does not know; RFC 6376 3.2 has no tag-list with one",
        _parts(_with_every_tag_once),
    ),
    (
        "it refuses a record for a policy that is none; RFC 9989 4.10.1 reads p=none where reports are asked for",
        _parts(_with_known_policies),
    ),
    (
        "it refuses a record for an address that is none; RFC 9989 4.8 discards the address",
        _parts(_without_other_uris),
    ),
]


def explained(case: Case) -> List[str]:
    """Return the fewest rows of JUDGED that together explain a disagreement, none where they do not."""
    found, plain = _explained(case), COLON[1](case)
    if found is None and plain != case:
        found = _explained(plain)
        return [] if found is None else [COLON[0], *found]
    return found or []


def _explained(case: Case) -> Optional[List[str]]:
    """The same without COLON, None where they do not."""
    rows, ours = list(JUDGED), by_us(case)
    if by_checkdmarc(_changed(case, rows)) != ours:
        return None
    for row in JUDGED:
        others = [other for other in rows if other is not row]
        if by_checkdmarc(_changed(case, others)) == ours:
            rows = others
    return [text for text, _change in rows]


def _changed(case: Case, rows: List[Tuple[str, Callable[[Case], Case]]]) -> Case:
    for _text, change in rows:
        case = change(case)
    return case


def main() -> int:
    count, first = (int(word) for word in (sys.argv[1:] + [str(COUNT), "1"][len(sys.argv) - 1 :]))
    agreed, judged, policies = 0, Counter[str](), Counter[Optional[str]]()
    unexplained: List[str] = []
    for seed in range(first, first + count):
        case = case_of(seed)
        ours, theirs = by_us(case), by_checkdmarc(case)
        policies[ours.policy] += 1
        rows = [] if ours == theirs else explained(case)
        judged.update(rows)
        agreed += ours == theirs
        if ours != theirs and not rows:
            unexplained.append("seed %d: %s\n  we say %s\n  checkdmarc says %s" % (seed, case, ours, theirs))
    print("%d names: %s" % (count, ", ".join("%s %d" % (name or "no DMARC", n) for name, n in policies.most_common())))
    print("%d agree" % agreed)
    for row, number in judged.most_common():
        print("%d times: %s" % (number, row))
    idle = [row for row, _change in JUDGED if not judged[row]]
    for row in idle:
        print("explains nothing any more: %s" % row)
    print("%d not explained" % len(unexplained))
    for text in unexplained[:SHOWN]:
        print(text)
    return 1 if unexplained or (idle and count >= COUNT) else 0


if __name__ == "__main__":
    sys.exit(main())
