# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What monitoring systems have to say of what is written for them: promtool of metrics and of the guide's alerts; and a
# plugin of the Monitoring Plugins, whose lines are of the same form as ours.

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.nagios import as_nagios
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.prometheus import as_prometheus
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment
from ansible_collections.postmaster.mailcheck.tests.docs.blocks import of_kind
from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.support.assessments import evil, mixed
from ansible_collections.postmaster.mailcheck.tests.support.plugin import read
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, big_result, relay, result


def program(name: str) -> str:
    with servers.skip_where_unavailable():
        found = shutil.which(name) or shutil.which(name, path="/usr/lib/nagios/plugins")
        if found is None:
            raise servers.Unavailable(f"there is no {name} on this machine")
    return found


@pytest.fixture(scope="module")
def promtool() -> str:
    return program("promtool")


@pytest.fixture
def listening() -> Iterator[Relay]:
    with running(Relay()) as one:
        yield one


def linted(promtool: str, text: str) -> tuple[int, str]:
    """What promtool ends with, and what it has to say, which of metrics in order is nothing."""
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("given", [
    assess(result(relay()), today=DAY), mixed(), evil(), assess(result(), today=DAY), assess(big_result(200, 20), today=DAY),
], ids=["one", "mixed", "evil", "none", "many"])  # fmt: skip
def test_promtool_has_nothing_to_say_of_the_metrics(given: Assessment, promtool: str) -> None:
    assert linted(promtool, as_prometheus(given)) == (0, "")


def test_promtool_would_say_something(promtool: str) -> None:
    code, said = linted(promtool, "# TYPE mailcheck_seconds_total gauge\nmailcheck_seconds_total 1\n")
    assert code != 0 and "HELP" in said.upper()


def test_promtool_takes_the_alerts_of_the_guide(promtool: str, tmp_path: Path) -> None:
    (block,) = of_kind("alert rules")
    (tmp_path / "rules.yml").write_text(block.text, encoding="utf-8")
    done = subprocess.run(
        [promtool, "check", "rules", tmp_path / "rules.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(yaml.safe_load(block.text)['groups'][0]['rules'])} rules found" in done.stdout


def test_our_lines_have_the_form_of_check_smtp_s(listening: Relay) -> None:
    """Both say how long it took by the same label, in seconds with a minimum of 0."""
    plugin = program("check_smtp")
    done = subprocess.run(
        [plugin, "-H", "127.0.0.1", "-p", str(listening.port)], capture_output=True, text=True, check=False
    )
    theirs = read(done.stdout)
    ours = read(as_nagios(assess(check("127.0.0.1", port=listening.port, tls="none", ehlo_name="client.example.org"))))
    assert (theirs.service, theirs.status, done.returncode) == ("SMTP", 0, 0)
    assert (ours.service, ours.status) == ("MAILCHECK", 0)
    assert set(theirs.performance) == {"time"} <= set(ours.performance)
