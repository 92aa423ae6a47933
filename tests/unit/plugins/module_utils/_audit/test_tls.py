# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What an audit makes of the versions and suites that a relay's TLS accepts.

from __future__ import annotations

import ssl
from typing import Any

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit
from ansible_collections.postmaster.mailcheck.tests.support.chains import Chain, issue, server_context
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running
from ansible_collections.postmaster.mailcheck.tests.unit.plugins.module_utils._audit.test_probes import GIVEN

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")  # old ones are what is asked for

USUAL = "ECDHE+AESGCM"
V1_1, V1_2 = "TLSv1_1", "TLSv1_2"


@pytest.fixture(scope="module")
def chain() -> Chain:
    root = issue(None, subject="Root", authority=True)
    return Chain(issue(root, "127.0.0.1"))


def asked(chain: Chain, folder: Any, probe: str, suites: str, least: str = V1_2) -> Any:
    context = server_context(chain, folder)
    context.set_ciphers(suites + ":@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion[least]
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE  # as Postfix and Exim, which take the client's order
    with running(Relay(context)) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=[probe], **GIVEN)
        assert relay.said.count("QUIT") <= report["plan"]["connections"]
    (probed,) = report["probes"]
    return probed["status"], probed["severity"], probed["text"]


@pytest.mark.parametrize("suites, status, severity, said", [
    (USUAL, "pass", None, "refuses suites that encrypt nothing, and prefers none without a certificate"),
    (USUAL + ":aNULL:!eNULL", "finding", "info", "shows no certificate"),
    (USUAL + ":eNULL", "finding", "medium", "encrypts nothing"),
    (USUAL + ":aNULL:eNULL", "finding", "medium", "encrypts nothing"),
])  # fmt: skip
def test_suites_without_protection(
    suites: str, status: str, severity: Any, said: str, chain: Chain, tmp_path: Any
) -> None:
    found = asked(chain, tmp_path, "unprotected_suites", suites)
    assert (found[:2], said in found[2]) == ((status, severity), True), found


def test_tls_1_3_has_no_suites_without_protection(chain: Chain, tmp_path: Any) -> None:
    found = asked(chain, tmp_path, "unprotected_suites", USUAL, "TLSv1_3")
    assert found == ("pass", None, "it speaks TLS 1.3 alone, which has no such suites")


@pytest.mark.parametrize("suites, least, status, said", [
    (USUAL, V1_2, "pass", "it refuses TLSv1 and TLSv1.1"),
    ("ALL", V1_1, "finding", "it accepts TLSv1.1"),
])  # fmt: skip
def test_old_versions(suites: str, least: str, status: str, said: str, chain: Chain, tmp_path: Any) -> None:
    found = asked(chain, tmp_path, "tls_versions", suites, least)
    assert (found[0], said in found[2]) == (status, True), found


@pytest.mark.parametrize("probe", ["tls_versions", "unprotected_suites"])
def test_where_there_is_no_tls_nothing_is_known(probe: str) -> None:
    with running(Relay()) as relay:
        report = audit("127.0.0.1", port=relay.port, probes=[probe], **GIVEN)
    assert (report["probes"][0]["status"], report["probes"][0]["dialogues"]) == ("unknown", [])
