# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The real servers as fixtures, started once per session when a test first asks for one. Where they are absent
# the tests skip with a reason; MAILCHECK_REQUIRE_SERVERS=1 makes a failure of it, so that CI cannot pass by
# skipping.

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check as engine_check
from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.bind import Bind, run_bind
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import Dovecot, run_dovecot
from ansible_collections.postmaster.mailcheck.tests.real.exim import Exim, run_exim
from ansible_collections.postmaster.mailcheck.tests.real.names import Names, run_names
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki, make_pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix, run_postfix
from ansible_collections.postmaster.mailcheck.tests.real.reports import Check, Report
from ansible_collections.postmaster.mailcheck.tests.real.resolvers import Resolvers, run_resolvers

LOG_TAIL = 60  # lines shown with a failed test


@pytest.fixture(scope="session")
def server_folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder that the servers' own users can read (pytest's is closed to them); kept after a failure."""
    folder = Path(tempfile.mkdtemp(prefix="mailcheck-"))
    folder.chmod(0o755)
    yield folder
    if not request.session.testsfailed:
        shutil.rmtree(folder)


def _subfolder(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


@pytest.fixture(scope="session")
def pki(server_folder: Path) -> Pki:
    return make_pki(_subfolder(server_folder, "pki"))


@pytest.fixture(scope="session")
def mx_port() -> int:
    """Chosen ahead of Postfix: Dovecot's submission service relays to it."""
    return servers.free_port()


@pytest.fixture(scope="session")
def dovecot(server_folder: Path, pki: Pki, mx_port: int) -> Iterator[Dovecot]:
    """Mailboxes, LMTP, IMAP, submission; mail submitted arrives where a test asks for `postfix` too."""
    with servers.skip_where_unavailable(), run_dovecot(_subfolder(server_folder, "dovecot"), pki, mx_port) as server:
        yield server


@pytest.fixture(scope="session")
def postfix(server_folder: Path, pki: Pki, dovecot: Dovecot, mx_port: int) -> Iterator[Postfix]:
    folder = _subfolder(server_folder, "postfix")
    with servers.skip_where_unavailable(), run_postfix(folder, pki, dovecot, mx_port) as server:
        yield server


@pytest.fixture(scope="session")
def bind(server_folder: Path) -> Iterator[Bind]:
    with servers.skip_where_unavailable(), run_bind(_subfolder(server_folder, "bind")) as server:
        yield server


@pytest.fixture(scope="session")
def names(server_folder: Path) -> Iterator[Names]:
    with servers.skip_where_unavailable(), run_names(_subfolder(server_folder, "names")) as server:
        yield server


@pytest.fixture(scope="session")
def resolvers(server_folder: Path, names: Names) -> Iterator[Resolvers]:
    with servers.skip_where_unavailable(), run_resolvers(_subfolder(server_folder, "resolvers"), names) as running:
        yield running


@pytest.fixture(scope="session")
def exim(server_folder: Path, pki: Pki) -> Iterator[Exim]:
    with servers.skip_where_unavailable(), run_exim(_subfolder(server_folder, "exim"), pki) as server:
        yield server


@pytest.fixture(scope="session")
def check(pki: Pki) -> Check:
    """The engine's check() of one port on loopback, trusting the lab's root."""

    def check_port(port: int, **options: Any) -> Report:
        given = {"host": servers.HOST, "ca_path": str(pki.ca), "ehlo_name": "client.lab.test", "timeout": 30, **options}
        return engine_check(port=port, **given)

    return check_port


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows the end of the logs of the servers it spoke to."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            # At the very end the folder may be gone.
            if isinstance(value, (Dovecot, Exim, Postfix)) and value.log.exists():
                lines = value.log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
                report.sections.append((f"end of {value.log}, the log of {name}", "\n".join(lines)))
    return report
