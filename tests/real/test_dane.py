# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What we make of a relay's chain and TLSA records, beside what Postfix's own client and OpenSSL make of them: every
# usage, selector and matching type with every fault of a chain, served by Postfix.

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.ad_resolver import AdResolver, run_ad_resolver
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import Dovecot
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix, run_postfix
from ansible_collections.postmaster.mailcheck.tests.real.reports import Check
from ansible_collections.postmaster.mailcheck.tests.support.chains import CLIENT, Chain, Identity, issue

NAME = "relay.lab.test"
EXPIRED = (-30, -1)


class Served(NamedTuple):
    """A chain that a listener of Postfix's sends, and the authority that records of usage 2 name."""

    chain: Chain
    anchor: Identity


def _served() -> dict[str, Served]:
    root = issue(None, subject="Root", authority=True)
    middle = issue(root, subject="Intermediate", authority=True)
    stranger = issue(None, subject="Strange Root", authority=True)
    old = issue(root, subject="Old Intermediate", authority=True, days=EXPIRED)
    own = issue(None, NAME)
    return {
        "in_order": Served(Chain(issue(middle, NAME), (middle, root)), root),
        "anchored_at_the_intermediate": Served(Chain(issue(middle, NAME), (middle,)), middle),
        "root_not_sent": Served(Chain(issue(middle, NAME), (middle,)), root),
        "wildcard": Served(Chain(issue(middle, "*.lab.test"), (middle, root)), root),
        "wrong_name": Served(Chain(issue(middle, "other.lab.test"), (middle, root)), root),
        "expired": Served(Chain(issue(middle, NAME, days=EXPIRED), (middle, root)), root),
        "expired_intermediate": Served(Chain(issue(old, NAME), (old, root)), root),
        "self_signed": Served(Chain(own), own),
        "missing_intermediate": Served(Chain(issue(middle, NAME), (root,)), root),
        "for_clients_only": Served(Chain(issue(middle, NAME, purposes=(CLIENT,)), (middle, root)), root),
        "stranger_sent_besides": Served(Chain(issue(middle, NAME), (middle, root, stranger)), stranger),
    }


SERVED = _served()


@pytest.fixture(scope="session")
def dane_postfix(server_folder: Path, pki: Pki, dovecot: Dovecot) -> Iterator[Postfix]:
    folder = server_folder / "dane"
    listeners = {}
    for label, served in SERVED.items():
        (folder / label).mkdir(parents=True)
        chain, key = served.chain.files(folder / label)
        listeners[label] = (f"smtpd_tls_chain_files = {key}, {chain}",)
    (folder / "postfix").mkdir()
    with servers.skip_where_unavailable():
        with run_postfix(folder / "postfix", pki, dovecot, servers.free_port(), listeners) as server:
            yield server


@pytest.fixture(scope="session")
def ad_resolver(server_folder: Path) -> Iterator[AdResolver]:
    (server_folder / "resolver").mkdir()
    with servers.skip_where_unavailable(), run_ad_resolver(server_folder / "resolver") as resolver:
        yield resolver


def records_for(served: Served, usage: int) -> list[str]:
    """A record of every selector and matching type for the certificate that the usage is about."""
    certificate = (served.anchor if usage in (0, 2) else served.chain.leaf).certificate
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    records = []
    for selector, data in enumerate((certificate.public_bytes(Encoding.DER), key)):
        for matching_type, digest in enumerate((data, hashlib.sha256(data).digest(), hashlib.sha512(data).digest())):
            records.append(f"{usage} {selector} {matching_type} {digest.hex()}")
    return records


def ours(check: Check, port: int, *records: str) -> str:
    report = check(port, tls_server_name=NAME, validate_certs=False, tlsa=list(records), stop_after="tls")
    return str(report["tls"]["dane"]["outcome"])


def openssls(port: int, *records: str) -> str:
    given = [word for record in records for word in ("-dane_tlsa_rrdata", record)]
    ended = subprocess.run(
        [servers.find_program("openssl"), "s_client", "-starttls", "smtp", "-connect", f"127.0.0.1:{port}",
         "-dane_tlsa_domain", NAME, "-dane_ee_no_namechecks", *given],
        input=b"QUIT\r\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60,
    )  # fmt: skip
    said = ended.stdout.decode("utf-8", "backslashreplace")
    assert "Verify return code: " in said, said
    return "met" if "Verify return code: 0 (ok)" in said else "unmet"


def postfixes(resolver: AdResolver, port: int, *records: str) -> str:
    """Only `Verified` means that a TLSA record holds."""
    resolver.records = {(NAME, "A"): ["127.0.0.1"], (f"_{port}._tcp.{NAME}", "TLSA"): list(records)}
    finger = servers.find_program("posttls-finger")
    said = resolver.run([finger, "-c", "-l", "dane", "-L", "summary", f"[{NAME}]:{port}"])
    assert "TLS connection established" in said, said
    return "met" if "Verified TLS connection established" in said else "unmet"


@pytest.mark.parametrize("label", SERVED)
@pytest.mark.parametrize("usage", [2, 3])
def test_usable_records(check: Check, dane_postfix: Postfix, ad_resolver: AdResolver, label: str, usage: int) -> None:
    port = dane_postfix.ports[label]
    for record in records_for(SERVED[label], usage):
        outcome = ours(check, port, record)
        assert (record[:5], openssls(port, record)) == (record[:5], outcome)
        assert (record[:5], postfixes(ad_resolver, port, record)) == (record[:5], outcome)


@pytest.mark.parametrize("label", ["in_order", "expired", "self_signed"])
@pytest.mark.parametrize("usage", [0, 1])
def test_records_that_are_not_for_smtp(
    check: Check, dane_postfix: Postfix, ad_resolver: AdResolver, label: str, usage: int
) -> None:
    """RFC 7672 3.1.3. OpenSSL would take them: it leaves that to the application."""
    port = dane_postfix.ports[label]
    for record in records_for(SERVED[label], usage):
        assert ours(check, port, record) == postfixes(ad_resolver, port, record) == "unmet"


def test_several_records(check: Check, dane_postfix: Postfix, ad_resolver: AdResolver) -> None:
    """One that holds suffices (RFC 7671 8), but a weaker digest does not count beside a stronger one (RFC 7671 9)."""
    port, served = dane_postfix.ports["self_signed"], SERVED["self_signed"]
    by_certificate, _by_sha256, _by_sha512, key, sha256, sha512 = records_for(served, 3)
    other_key, other_sha256, other_sha512 = (records_for(SERVED["expired"], 3))[3:]
    for records, outcome in (
        ([other_sha256, sha256], "met"),
        ([other_sha512, sha256], "unmet"),
        ([sha512, other_sha256], "met"),
        ([other_sha512, key], "met"),
        ([other_sha512, by_certificate], "met"),
        ([other_key, sha256], "met"),
        ([sha256[:-2], other_sha256], "unmet"),
    ):
        assert (records, ours(check, port, *records)) == (records, outcome)
        assert (records, postfixes(ad_resolver, port, *records)) == (records, outcome)
        if all(len(record) == len(sha256) or record.split()[2] != "1" for record in records):
            assert (records, openssls(port, *records)) == (records, outcome)


def test_records_that_are_looked_up(check: Check, dane_postfix: Postfix, ad_resolver: AdResolver) -> None:
    """The whole way of a look-up, from the name server to the rule."""
    port, served = dane_postfix.ports["self_signed"], SERVED["self_signed"]
    right, wrong = records_for(served, 3)[4], records_for(SERVED["expired"], 3)[4]
    for record, outcome in ((right, "met"), (wrong, "unmet")):
        ad_resolver.records = {("localhost", "A"): ["127.0.0.1"], (f"_{port}._tcp.localhost", "TLSA"): [record]}
        report = check(
            port, host="localhost", address_family="ipv4", validate_certs=False, stop_after="tls",
            dns_servers=[ad_resolver.address], expect={"dane_valid": True},
        )  # fmt: skip
        assert [rule["outcome"] for rule in report["rules"]] == [outcome]
        dane = report["tls"]["dane"]
        assert (dane["state"], dane["dnssec"], dane["base_domain"]) == ("present", "secure", "localhost")
