# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Whether credentials may be shown, and by which mechanism: what every protocol decides alike before it signs in.

from __future__ import annotations

from typing import TYPE_CHECKING

from .exchange import Exchange
from .mechanisms import choose
from .scram import tls_server_end_point

if TYPE_CHECKING:
    from typing import Optional, Sequence

    from ..options import Credentials
    from ..tls.model import TlsFacts, TlsPolicy


def withheld(tls: Optional[TlsFacts], allow_plaintext: bool, validate_certs: bool, peer: str) -> str:
    """Return why credentials are not to be shown here, or nothing.

    They travel inside verified TLS only, unless the caller has said otherwise.
    """
    if tls is None:
        return "" if allow_plaintext else "the session is not encrypted"
    return "the %s's certificate was not verified" % peer if validate_certs and not tls.verified else ""


def channel_binding(wanted: Optional[Sequence[str]], tls: Optional[TlsFacts]) -> Optional[bytes]:
    """RFC 5929 4: only where the caller named a -PLUS mechanism, since TLS 1.3 servers may bind another way."""
    named = any(name.upper().endswith("-PLUS") for name in wanted or ())
    if not named or tls is None or tls.leaf is None or not tls.chain:
        return None
    return tls_server_end_point(tls.leaf, tls.chain[0].signature_algorithm)


def mechanism_for(
    credentials: Credentials,
    offered: Sequence[str],
    wanted: Optional[Sequence[str]],
    policy: Optional[TlsPolicy],
    can_bind: bool,
) -> Optional[str]:
    """Return the strongest mechanism that these credentials can do, or the first that the caller names."""
    has = {name for name in ("password", "access_token") if getattr(credentials, name) is not None}
    if policy is not None and policy.client_cert:
        has.add("certificate")
    return choose(offered, wanted, has, can_bind)


def exchange_of(
    credentials: Credentials, host: str, port: int, offered: Sequence[str], binding: Optional[bytes]
) -> Exchange:
    """Return what a mechanism needs. Raises CredentialError."""
    return Exchange(
        username=credentials.username,
        password=credentials.password,
        access_token=credentials.access_token,
        host=host,
        port=port,
        channel_binding=binding,
        plus_offered=any(name.startswith("SCRAM-") and name.endswith("-PLUS") for name in offered),
    )
