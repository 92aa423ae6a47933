# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# JUnit XML: a suite for each subject, a test case for each of its rules. What could not be judged is an error, and
# what is waived is skipped.

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.words import source, waived_by
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import network_names

if TYPE_CHECKING:
    from typing import Any, Optional

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment, JudgedWaiver, Rule

# What XML 1.0 cannot hold at all, not even as a reference (2.2, Char).
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(assessment: Assessment, suite: str = "mailcheck") -> str:
    """JUnit XML as Jenkins and Ant's schema have it; the names of all classes begin with `suite`."""
    root = ET.Element("testsuites")
    for row in assessment["endpoints"]:
        counts = Counter(rule["outcome"] for rule in row["rules"])
        element = _suite(
            root, row["id"], row["checked_at"] or assessment["checked_at"], len(row["rules"]), package=suite,
            hostname=network_names(row["subject"])[0] or "localhost", failures=counts["unmet"],
            errors=counts["unknown"], skipped=counts["waived"], time="%.3f" % (row["seconds"] or 0),
        )  # fmt: skip
        for rule in row["rules"]:
            _rule(element, "%s.%s" % (suite, row["id"]), rule)
        _output(element, row["msg"])
    waivers = assessment["waivers"]
    if waivers:
        expired = sum(waiver["state"] == "expired" for waiver in waivers)
        element = _suite(
            root, "waivers", assessment["checked_at"], len(waivers), package=suite, hostname="localhost",
            failures=expired, errors=0, skipped=0, time=0,
        )  # fmt: skip
        for waiver in waivers:
            _waiver(element, suite + ".waivers", waiver)
        _output(element, None)
    return '<?xml version="1.0" encoding="UTF-8"?>\n%s\n' % ET.tostring(root, "unicode")


def _add(parent: ET.Element, tag: str, text: Optional[str] = None, **attributes: Any) -> ET.Element:
    """The one place where text becomes XML."""
    parent.text = parent.text or "\n"
    element = ET.SubElement(parent, tag, {name: _xml(value) for name, value in attributes.items()})
    element.text = None if text is None else _xml(text)
    element.tail = "\n"
    return element


def _xml(text: Any) -> str:
    return _NOT_XML.sub("\ufffd", str(text))


def _suite(root: ET.Element, name: str, when: Optional[str], tests: int, **attributes: Any) -> ET.Element:
    """One suite, with all the attributes that Ant's schema demands."""
    timestamp = (when or "1970-01-01T00:00:00Z").rstrip("Z")
    suite = _add(root, "testsuite", id=len(root), name=name, timestamp=timestamp, tests=tests, **attributes)
    _add(suite, "properties")
    return suite


def _output(suite: ET.Element, text: Optional[str]) -> None:
    _add(suite, "system-out", text)
    _add(suite, "system-err")


def _rule(suite: ET.Element, class_name: str, rule: Rule) -> None:
    case = _add(suite, "testcase", classname=class_name, name=rule["id"], time=0)
    if rule["outcome"] == "unmet":
        _add(case, "failure", _explained(rule), type=rule["severity"], message=rule["text"])
    elif rule["outcome"] == "unknown":
        _add(case, "error", type=rule["severity"], message=rule["text"])
    elif rule["outcome"] == "waived":
        _add(case, "skipped", message=waived_by(rule["waiver"]))


def _waiver(suite: ET.Element, class_name: str, waiver: JudgedWaiver) -> None:
    case = _add(suite, "testcase", classname=class_name, name="%(rule)s at %(endpoint)s" % waiver, time=0)
    if waiver["state"] == "expired":
        _add(case, "failure", type="medium", message="expired on %(expires)s (%(owner)s: %(reason)s)" % waiver)


def _explained(rule: Rule) -> str:
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
