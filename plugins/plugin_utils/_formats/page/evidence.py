# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a report rests on, for whoever signs it: who looked, from where and as whom, by which rules, and the data's
# own sum.

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.json import digest

if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator, List, Mapping, Tuple

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment, Row

_SHOWN = 12  # of any list


def evidence_of(assessment: Assessment) -> List[Tuple[str, str]]:
    """Return what is known of how the report came about, each with its name."""
    rows = assessment["endpoints"]
    known: Mapping[str, Any] = assessment.get("evidence") or {}  # version 0.1.0 had none
    times = sorted(row["checked_at"] for row in rows if row["checked_at"])
    found = [
        ("Checked", " to ".join(dict.fromkeys((times[0], times[-1]))) if times else ""),
        *(("Who looked", _observer(one)) for one in known.get("observers") or ()),
        ("Senders", _some(str(row["sender"]) or "<>" for row in rows if row.get("sender") is not None)),
        ("Recipients", _some(_recipients(rows))),
        ("Judged", " ".join(filter(None, (known.get("judged_on"), _observer(known.get("judged_by") or {}, "by "))))),
        *((_title(one), _what_it_is(one)) for one in known.get("profiles") or ()),
        ("Format of the data", assessment["format"]),
        ("SHA-256 of the report in JSON", digest(assessment)),
    ]
    return [(name, text) for name, text in found if text]


def titled_profiles(assessment: Assessment) -> List[Mapping[str, Any]]:
    """Return the profiles that say what they are for."""
    known: Mapping[str, Any] = assessment.get("evidence") or {}
    return [one for one in known.get("profiles") or () if one.get("title")]


def _observer(one: Mapping[str, Any], before: str = "") -> str:
    """The host, its addresses, and what looked there."""
    addresses = _some(one.get("addresses") or ())
    tools = (("mailcheck", "version"), ("Python", "python"), ("", "openssl"))
    parts = [
        one.get("host") and before + str(one["host"]),
        addresses and "from " + addresses,
        *(" ".join(filter(None, (tool, str(one[key])))) for tool, key in tools if one.get(key)),
    ]
    return ", ".join(part for part in parts if part)


def _title(profile: Mapping[str, Any]) -> str:
    return " ".join(filter(None, ("Profile", profile["name"], profile.get("version"))))


def _what_it_is(profile: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, (profile.get("title"), "SHA-256 %s" % profile["sha256"])))


def _recipients(rows: Iterable[Row]) -> Iterator[str]:
    """Whom the checks wrote to, and whom rules asked for on connections of their own."""
    for row in rows:
        yield from map(str, row.get("recipients") or ())
        for rule in row["rules"]:
            asked = rule["expected"]
            if isinstance(asked, dict):
                yield from (str(asked[name]) for name in ("control_recipient", "recipient") if asked.get(name))


def _some(names: Iterable[str]) -> str:
    """Each name once, and how many there are more than have room."""
    each = list(dict.fromkeys(names))
    more = len(each) - _SHOWN
    return ", ".join(each[:_SHOWN]) + (" and %d more" % more if more > 0 else "")
