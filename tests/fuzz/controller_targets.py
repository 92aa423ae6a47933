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
from html.parser import HTMLParser
from typing import Any, Callable, Dict, List

from ansible.errors import AnsibleFilterError

from ansible_collections.postmaster.mailcheck.plugins.filter import (
    assess as assess_filter,
)
from ansible_collections.postmaster.mailcheck.plugins.filter import (
    findings,
    report_html,
    report_json,
    report_junit,
    report_markdown,
    report_prometheus,
    report_table,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.expectations import parse_expect
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils import profiles
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.assessment import assess, drift
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils.formats import (
    as_html,
    as_json,
    as_junit,
    as_markdown,
    as_prometheus,
    as_table,
)
from ansible_collections.postmaster.mailcheck.tests.compliance.sweeps import relay, result, rule, unreachable
from ansible_collections.postmaster.mailcheck.tests.fuzz.targets import Draw

DAY = "2026-06-15"
_PROFILE = os.path.join(tempfile.gettempdir(), "fuzzed-%d.yml" % os.getpid())


def profile_loader(data: bytes) -> None:
    """A file that may be YAML, and may be a profile: it loads as expectations that hold, or is refused by its name."""
    with open(_PROFILE, "wb") as file:
        file.write(data)
    profiles._read.cache_clear()
    try:
        loaded = profiles.load_profiles([_PROFILE])
    except profiles.ProfileError as error:
        assert _PROFILE in str(error) or str(error).startswith("expect"), error
    else:
        assert parse_expect(loaded["expect"]) == loaded["expect"] and loaded["rules"].keys() <= loaded["expect"].keys()
    finally:
        os.unlink(_PROFILE)


class _Page(HTMLParser):
    """Counts what could act in a page: each must be one of ours."""

    ACTING = ("script", "iframe", "object", "embed", "img", "link", "form", "base", "a")

    def __init__(self) -> None:
        super().__init__()
        self.acting: List[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in self.ACTING:
            self.acting.append(tag)
        self.acting += [name for name, _value in attrs if name.startswith("on")]


def _acting(page: str) -> List[str]:
    parser = _Page()
    parser.feed(page)
    return parser.acting


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
    assert json.loads(as_json(assessment)) == json.loads(json.dumps(assessment))
    assert drift(json.loads(as_json(assessment)), assessment) == []
    suites = xml.etree.ElementTree.fromstring(as_junit(assessment))
    assert len(suites) == len(assessment["endpoints"]) + bool(assessment["waivers"])
    for line in as_prometheus(assessment).rstrip("\n").split("\n"):
        assert line.startswith(("# HELP mailcheck_", "# TYPE mailcheck_", "mailcheck_")), line
    assert len(as_table(assessment).split("\n")) == 1 + len(assessment["endpoints"])
    as_markdown(assessment).encode("utf-8")
    page = as_html(assessment)
    page.encode("utf-8")
    assert _acting(page) == _OUR_OWN


_OUR_OWN = _acting(as_html(assess(result(relay()), today=DAY)))
_FILTERS: Dict[str, Callable[..., Any]] = {}
for _module in (
    assess_filter,
    findings,
    report_html,
    report_json,
    report_junit,
    report_markdown,
    report_prometheus,
    report_table,
):
    _FILTERS.update(_module.FilterModule().filters())


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


TARGETS: Dict[str, Callable[[bytes], None]] = {target.__name__: target for target in (profile_loader, reports, filters)}
