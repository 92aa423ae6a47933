# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The test suite that the SPF community wrote for RFC 7208 (openspf.org, release 2014.04), from its own file.

from __future__ import annotations

import pytest
import yaml

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.client import Sender
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.evaluate import check_host
from ansible_collections.postmaster.mailcheck.tests.suites.folder import suite
from ansible_collections.postmaster.mailcheck.tests.support.answers import play
from ansible_collections.postmaster.mailcheck.tests.support.zones import answers_of

CASES = 203


@pytest.fixture(scope="module")
def scenarios():
    return list(yaml.safe_load_all(suite("rfc7208-tests.yml").read_text(encoding="utf-8")))


def answers(zonedata):
    """Return a scenario's answers. A record of type SPF stands for TXT too, where a name has no word about TXT."""
    return answers_of({str(name): list(rows_of(rows)) for name, rows in zonedata.items()})


def rows_of(rows):
    told = [pair for row in rows if isinstance(row, dict) for pair in row.items()]
    says_txt = any(kind == "TXT" for kind, _value in told)
    for kind, value in told:
        if kind == "SPF" and not says_txt:
            kind = "TXT"
        if value != "NONE":
            yield kind, [value] if kind == "TXT" and isinstance(value, str) else value
    if "TIMEOUT" in rows:
        yield "TIMEOUT", None


def disagreement(case, found):
    """Return what of the outcome is not as the suite has it, None where all is."""
    allowed = case["result"] if isinstance(case["result"], list) else [case["result"]]
    if found.result not in allowed:
        return "%s instead of %s (%s)" % (found.result, " or ".join(allowed), found.reason)
    explanation = case.get("explanation")
    if explanation is not None and found.explanation != ("" if explanation == "DEFAULT" else explanation):
        return "explained by '%s' instead of '%s'" % (found.explanation, explanation)
    return None


def test_every_case(scenarios):
    played, wrong = 0, {}
    for scenario in scenarios:
        table = answers(scenario["zonedata"])
        for name, case in scenario["tests"].items():
            played += 1
            found = play(check_host(Sender(str(case["host"]), case["mailfrom"], case["helo"])), table)
            fault = disagreement(case, found)
            if fault:
                wrong["%s: %s" % (scenario["description"], name)] = fault
    assert wrong == {}
    assert played == CASES
