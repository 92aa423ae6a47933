# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What runs on the controller, and therefore on its Pythons alone: the loader of profiles, and the filters.

from __future__ import annotations

import copy
import json
import os
import tempfile
import xml.etree.ElementTree
from typing import TYPE_CHECKING, Any, Callable, Dict, List

from ansible.errors import AnsibleFilterError

from ansible_collections.postmaster.mailcheck.plugins.filter.compliance import FilterModule
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import MAX_TEXT
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rules import RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import parse_expect
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils import _profiles
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._drift import drift
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._sslyze import QUESTIONS, with_sslyze
from ansible_collections.postmaster.mailcheck.tests.fuzz.targets import Draw, assert_printable
from ansible_collections.postmaster.mailcheck.tests.support.page import elements
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, relay, result, rule, unreachable

if TYPE_CHECKING:
    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment

_PROFILE = os.path.join(tempfile.gettempdir(), "fuzzed-%d.yml" % os.getpid())


def profile_loader(data: bytes) -> None:
    """A file that may be YAML, and may be a profile: it loads as expectations that hold, or is refused by its name."""
    with open(_PROFILE, "wb") as file:
        file.write(data)
    _profiles._read.cache_clear()
    try:
        loaded = _profiles.load_profiles([_PROFILE])
    except _profiles.ProfileError as error:
        assert _PROFILE in str(error) or str(error).startswith("expect"), error
    else:
        assert (
            parse_expect(RULES, loaded["expect"]) == loaded["expect"]
            and loaded["rules"].keys() <= loaded["expect"].keys()
        )
    finally:
        os.unlink(_PROFILE)


def _sweep(draw: Draw) -> Dict[str, Any]:
    """A result of the shape that smtp_sweep gives, with anybody's words wherever words go."""
    rows = []
    for _index in range(1 + draw.number(3)):
        judged = [
            rule(draw.text() or "one", draw.one_of(("met", "unmet", "unknown")), draw.one_of(("low", "medium", "high")),
                 text=draw.text(), remedy=draw.text(), observed=draw.text())
            for _rule in range(draw.number(3))
        ]  # fmt: skip
        make: Callable[..., Dict[str, Any]] = draw.one_of((relay, unreachable))
        row = make(draw.text() or "a", msg=draw.text(), greeting={"text": draw.text(), "code": 220})
        row.update(host=draw.text() or "a", labels={draw.text(): draw.text()}, rules=judged)
        if row["failure"] and draw.number(2):
            row["failure"].update(text=draw.text(), code=draw.number(1000))
        rows.append(row)
    found = result(*rows)
    for certificate in found["certificates"].values():
        certificate["subject"] = draw.text()
    return found


def _waivers(draw: Draw) -> List[Dict[str, Any]]:
    words = ("one", "*", "check.*", "a", "[")
    return [
        {"rule": draw.one_of(words), "endpoint": draw.one_of(words), "reason": draw.text() or "r",
         "owner": draw.text() or "o", "expires": draw.one_of(("2026-01-01", "2027-01-01"))}
        for _index in range(draw.number(3))
    ]  # fmt: skip


def reports(data: bytes) -> None:
    """Whatever words a result holds, each report can be read by a reader of its format, and holds no markup of theirs."""
    draw = Draw(data)
    found = _sweep(draw)
    assessment = assess(copy.deepcopy(found), waivers=_waivers(draw), today=DAY, title=draw.text() or "t")
    before = copy.deepcopy(assessment)
    before["endpoints"] = before["endpoints"][draw.number(2) :]
    assessment["changes"] = drift(before, assessment)
    for name, one in FORMATS.items():
        _READERS[name](one.write(assessment), assessment)


def _read_json(text: str, assessment: Assessment) -> None:
    assert json.loads(text) == json.loads(json.dumps(assessment))
    assert drift(json.loads(text), assessment) == []


def _read_junit(text: str, assessment: Assessment) -> None:
    suites = xml.etree.ElementTree.fromstring(text)
    assert len(suites) == len(assessment["endpoints"]) + bool(assessment["waivers"])


def _read_prometheus(text: str, _assessment: Assessment) -> None:
    for line in text.rstrip("\n").split("\n"):
        assert line.startswith(("# HELP mailcheck_", "# TYPE mailcheck_", "mailcheck_")), line


def _read_markdown(text: str, _assessment: Assessment) -> None:
    text.encode("utf-8")


def _read_html(text: str, _assessment: Assessment) -> None:
    text.encode("utf-8")
    assert _acting(text) == _OUR_OWN


def _read_table(text: str, assessment: Assessment) -> None:
    assert len(text.split("\n")) == 1 + len(assessment["endpoints"])


def _read_nagios(text: str, _assessment: Assessment) -> None:
    first, *rest = text.rstrip("\n").split("\n")
    assert first.startswith("MAILCHECK ") and first.count("|") == 1, first
    assert all(line.startswith(("[", "and ")) and "|" not in line for line in rest), rest


_READERS: Dict[str, Callable[[str, Assessment], None]] = {
    "json": _read_json,
    "junit": _read_junit,
    "prometheus": _read_prometheus,
    "markdown": _read_markdown,
    "html": _read_html,
    "table": _read_table,
    "nagios": _read_nagios,
}


def _acting(text: str) -> List[str]:
    """What could act in a page: each must be one of ours. Links lead to places within."""
    page = elements(text)
    assert all(link.startswith("#") for link in page.links)
    return [tag for tag in page.tags if tag in _ACTING] + [name for name in page.attributes if name.startswith("on")]


_ACTING = ("script", "iframe", "object", "embed", "img", "link", "form", "base")
_OUR_OWN = _acting(FORMATS["html"].write(assess(result(relay()), today=DAY)))
_FILTERS = {name: use for name, use in FilterModule().filters().items() if name not in ("drift", "with_profiles")}


def filters(data: bytes) -> None:
    """Anything handed to a filter, as text and as what the text stands for: a report, or an error that names the filter."""
    draw = Draw(data)
    name = draw.one_of(list(_FILTERS))
    text = data[1:].decode("utf-8", "surrogateescape")
    for given in (text, _or_none(text)):
        try:
            _FILTERS[name](given)
        except AnsibleFilterError as error:
            assert str(error).startswith("postmaster.mailcheck.%s: " % name)


def _or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def sslyze_results(data: bytes) -> None:
    """What sslyze may have written: refused, or each of its questions is answered, and only by a scan that was made."""
    text = data.decode("utf-8", "surrogateescape")
    audited = {
        "host": "relay.example.com",  # as in the saved inputs
        "intensity": "safe",
        "port": 25,
        "verdict": "passed",
        "cause": None,
        "failure": None,
        **{name: [] for name in ("probes", "not_made", "not_asked")},
    }
    try:
        (row,) = with_sslyze(audited, text)["endpoints"]
    except AssessmentError as error:
        assert "sslyze" in str(error)
        return
    assert [one["name"] for one in row["probes"]] == list(QUESTIONS)
    for one in row["probes"]:
        assert one["status"] in ("pass", "finding", "unknown") and one["text"]
        if one["status"] != "unknown":
            assert "COMPLETED" in json.dumps(json.loads(text)), one
        assert_printable(one["text"])
        assert len(one["text"]) < MAX_TEXT + 40
    failed = any(one["status"] == "finding" and one["severity"] in ("high", "medium") for one in row["probes"])
    assert row["verdict"] == ("failed" if failed else "passed")


TARGETS: Dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (profile_loader, reports, filters, sslyze_results)
}
