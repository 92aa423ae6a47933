# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# SCRAM that is bound to the relay's certificate (RFC 5802 6, RFC 5929 4), with Cyrus SASL for a peer.

from __future__ import annotations

import contextlib
import hashlib
import ssl
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.cyrus import MECHANISMS, run_cyrus
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.reports import PASSED, Check, Report, outcome

EVERYTHING = " ".join([*MECHANISMS, *(name[: -len("-PLUS")] for name in MECHANISMS)])
SignIn = Callable[..., Report]


@pytest.fixture(scope="module")
def database(server_folder: Path) -> Path:
    folder = server_folder / "cyrus"
    folder.mkdir()
    return folder


@pytest.fixture
def sign_in(check: Check, pki: Pki, database: Path) -> SignIn:
    """Sign in by these mechanisms, at a server that sees its own certificate, or what `binding` says, and offers them."""

    def sign_in_once(
        *mechanisms: str, binding: Any = None, offered: str = EVERYTHING, tls: str = "TLSv1_3", password: str = ""
    ) -> Report:
        with contextlib.ExitStack() as stack, servers.skip_where_unavailable():
            seen = binding or ("tls-server-end-point", end_point(pki))
            port = stack.enter_context(run_cyrus(database, pki, seen, offered, tls))
            credentials = {"username": servers.USERNAME, "password": password or servers.PASSWORD}
            return check(port, tls="implicit", auth_mechanisms=list(mechanisms), **credentials)
        raise AssertionError("not reached")

    return sign_in_once


def end_point(pki: Pki) -> bytes:
    """RFC 5929 4.1; these certificates are signed with SHA-256."""
    leaf = pki.relay.certificate.read_text()
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(leaf)).digest()


@pytest.mark.parametrize("tls", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_sign_in_is_bound_to_the_certificate(sign_in: SignIn, mechanism: str, tls: str) -> None:
    report = sign_in(mechanism, tls=tls)
    assert (outcome(report), report["tls"]["version"]) == (PASSED, tls.replace("_", "."))
    assert (report["auth"]["mechanism"], report["auth"]["accepted"]) == (mechanism, True)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_somebody_in_the_middle_has_another_certificate(sign_in: SignIn, mechanism: str) -> None:
    report = sign_in(mechanism, binding=("tls-server-end-point", bytes(32)))
    assert (outcome(report), report["auth"]["code"]) == (("failed", "auth_rejected"), 535)


def test_a_server_that_binds_the_exporter_alone(sign_in: SignIn, pki: Pki) -> None:
    report = sign_in("SCRAM-SHA-256-PLUS", binding=("tls-exporter", end_point(pki)))
    assert (outcome(report), report["auth"]["mechanism"]) == (("failed", "auth_rejected"), "SCRAM-SHA-256-PLUS")


def test_a_wrong_password(sign_in: SignIn) -> None:
    report = sign_in("SCRAM-SHA-256-PLUS", password="not the one")
    assert (outcome(report), report["auth"]["code"]) == (("failed", "auth_rejected"), 535)


def test_somebody_in_the_middle_strikes_the_offer_out(sign_in: SignIn) -> None:
    """The server had offered -PLUS, and hears that the client saw none."""
    wanted = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256")
    report = sign_in(*wanted, offered="SCRAM-SHA-256 SCRAM-SHA-1")
    assert (outcome(report), report["auth"]["mechanism"]) == (("failed", "auth_rejected"), "SCRAM-SHA-256")
    # Who does not want to bind is let in.
    report = sign_in("SCRAM-SHA-256")
    assert (outcome(report), report["auth"]["mechanism"]) == (PASSED, "SCRAM-SHA-256")
