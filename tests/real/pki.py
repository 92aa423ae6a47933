# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The throw-away PKI of the real servers: a root, an intermediate below it, and one certificate for each thing
# that can be right or wrong with one. Servers send leaf and intermediate, as relays do; clients trust the
# root.

from __future__ import annotations

import datetime
import os
import ssl
from pathlib import Path
from typing import NamedTuple

import trustme

RELAY_NAMES = ("relay.lab.test", "mx1.lab.test", "localhost", "127.0.0.1", "::1")


class IdentityFiles(NamedTuple):
    """A private key and its certificates as PEM files; `chain` holds the leaf, then the intermediate."""

    key: Path
    certificate: Path
    chain: Path


class Pki(NamedTuple):
    ca: Path  # the root, which clients are to trust
    relay: IdentityFiles  # P-256, the names of RELAY_NAMES
    expired: IdentityFiles  # ended a day ago
    wrong_name: IdentityFiles  # other.example only
    seven_days: IdentityFiles  # 7 days and an hour left: a floor of 7 for an hour's worth of tests
    rsa: IdentityFiles  # RSA 2048
    client: IdentityFiles  # user@lab.test, for a client

    def client_context(self) -> ssl.SSLContext:
        """What a client that trusts the root alone would use."""
        return ssl.create_default_context(cafile=os.fspath(self.ca))


def make_pki(folder: Path) -> Pki:
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    root = trustme.CA(organization_name="Lab", organization_unit_name="Lab Root CA")
    issuer = root.create_child_ca()
    in_two_years = now + 730 * day

    def issue(
        name: str,
        identities: tuple[str, ...],
        *,
        not_before: datetime.datetime = now - day,
        not_after: datetime.datetime = in_two_years,
        key_type: trustme.KeyType = trustme.KeyType.ECDSA,
    ) -> IdentityFiles:
        leaf = issuer.issue_cert(
            *identities,
            common_name=identities[0],
            not_before=not_before,
            not_after=not_after,
            key_type=key_type,
        )
        identity = IdentityFiles(folder / f"{name}.key", folder / f"{name}.pem", folder / f"{name}.chain.pem")
        # Exim reads the key under its own user: nothing here is worth a secret.
        leaf.private_key_pem.write_to_path(os.fspath(identity.key))
        leaf.cert_chain_pems[0].write_to_path(os.fspath(identity.certificate))
        for pem in leaf.cert_chain_pems:
            pem.write_to_path(os.fspath(identity.chain), append=True)
        return identity

    root.cert_pem.write_to_path(os.fspath(folder / "ca.pem"))
    return Pki(
        ca=folder / "ca.pem",
        relay=issue("relay", RELAY_NAMES),
        expired=issue("expired", RELAY_NAMES, not_before=now - 31 * day, not_after=now - day),
        wrong_name=issue("wrong_name", ("other.example",)),
        seven_days=issue("seven_days", RELAY_NAMES, not_after=now + 7 * day + datetime.timedelta(hours=1)),
        rsa=issue("rsa", RELAY_NAMES, key_type=trustme.KeyType.RSA),
        client=issue("client", ("user@lab.test",)),
    )
