# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A relay that says as much as a reply may hold has a report of bounded size, which says what it lacks; what is judged is
# judged in full.

from __future__ import annotations

import json

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.bounds import MAX_CERTIFICATES, MAX_ITEMS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import MAX_TEXT
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.capabilities import (
    MAX_KEYWORDS,
    MAX_PARAMETERS,
)
from ansible_collections.postmaster.mailcheck.tests.support.script import play

OPEN = "S: 220 relay.example.com ESMTP\nC: EHLO client.example.org\n"
QUIT = "C: QUIT\nS: 221 bye\n"


def test_keywords_and_parameters_beyond_the_bounds_are_counted_and_judged_all_the_same():
    """20,000 words in one EHLO reply: each is a fact that Ansible copies many times."""
    words = " ".join("P%d" % number for number in range(1000))
    many = "".join("S: 250-K%d %s\n" % (number, words if number < 10 else "") for number in range(200))
    ehlo = OPEN + "S: 250-relay\n" + many + "S: 250 AUTH PLAIN\n" + QUIT
    report = play(ehlo, tls="none", expect={"capabilities": ["K199", "K0 P999"], "auth_mechanisms": ["PLAIN"]})
    assert report["verdict"] == "passed"
    assert len(report["capabilities"]) == MAX_KEYWORDS
    assert max(map(len, report["capabilities"].values())) == MAX_PARAMETERS
    assert report["auth_mechanisms"] == ["PLAIN"]
    assert "capabilities: %d more were left out." % (201 - MAX_KEYWORDS) in report["warnings"]
    assert "capabilities K0: %d more were left out." % (1000 - MAX_PARAMETERS) in report["warnings"]
    assert len(json.dumps(report)) < 40000


def test_texts_beyond_the_bound_say_how_much_is_missing():
    line = "x" * 8000
    report = play("S: 554-%s\nS: 554 %s\n" % (line, line) + QUIT, tls="none")
    for text in (report["greeting"]["text"], report["greeting"]["hostname"], report["failure"]["text"]):
        assert len(text) < MAX_TEXT + 100
        assert "characters more)" in text
    assert len(json.dumps(report)) < 10 * MAX_TEXT


def test_an_ordinary_report_lacks_nothing():
    report = play(OPEN + "S: 250-relay\nS: 250-SIZE 1000\nS: 250 AUTH PLAIN\n" + QUIT, tls="none")
    assert report["capabilities"] == {"SIZE": ["1000"], "AUTH": ["PLAIN"]}
    assert report["warnings"] == []


def test_the_bounds_that_the_documentation_names():
    assert (MAX_KEYWORDS, MAX_PARAMETERS, MAX_CERTIFICATES, MAX_ITEMS) == (64, 32, 16, 256)
