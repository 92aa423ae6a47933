# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every setting that a remedy or a hint tells a user to change is one that the real server knows.

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rules import RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import CAUSES
from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.exim import find_exim

# Rules that no setting of either server decides.
WITHOUT_SETTINGS = {"codes"}
# What is named, and is no setting: restrictions that Postfix lists, a host list of Exim's own example.
WORDS = {"permit_mynetworks", "permit_sasl_authenticated", "reject_unauth_destination", "relay_from_hosts"}
ADVICE = {
    **{f"rule {name}": kind.remedy for name, kind in RULES.items()},
    **{f"cause {name}": cause.hint for name, cause in CAUSES.items()},
}


def settings(server: str) -> Iterator[tuple[str, str]]:
    """Each name with an underscore that stands behind a server's name, up to the next server's."""
    for place, advice in ADVICE.items():
        for name, text in re.findall(r"(Postfix|Exim|Dovecot)\b(.*?)(?=Postfix|Exim|Dovecot|$)", advice):
            if name == server:
                for setting in re.findall(r"(?<![$\w+])[a-z0-9]+(?:_[a-z0-9]+)+", text):
                    if setting not in WORDS:
                        yield place, setting


def test_each_remedy_names_settings_of_both_servers() -> None:
    named = {server: {place for place, _setting in settings(server)} for server in ("Postfix", "Exim")}
    rules = {f"rule {name}" for name in RULES if name not in WITHOUT_SETTINGS}
    assert rules - named["Postfix"] == set()
    assert rules - named["Exim"] == {"rule auth_mechanisms"}  # there it is a section of its own, no option


def test_postfix_knows_its_settings() -> None:
    with servers.skip_where_unavailable():
        postconf = servers.find_program("postconf")
    told = subprocess.run([postconf, "-d"], capture_output=True, text=True, check=True).stdout
    known = {line.partition(" ")[0] for line in told.splitlines()}
    named = set(settings("Postfix"))
    assert len(named) > 15
    assert {(place, setting) for place, setting in named if setting not in known} == set()


def test_exim_knows_its_settings() -> None:
    with servers.skip_where_unavailable():
        exim = find_exim()
        servers.require_root()  # else it takes no configuration but its own
    named = set(settings("Exim"))
    assert len(named) > 10
    for place, setting in sorted(named):
        command = [exim, "-C", "/dev/null", "-bP", setting]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert asked.returncode == 0 and "not a known option" not in asked.stdout + asked.stderr, (place, setting)


@pytest.mark.parametrize("name", RULES)
def test_a_remedy_is_a_sentence(name: str) -> None:
    assert RULES[name].remedy.endswith(".") and RULES[name].text
