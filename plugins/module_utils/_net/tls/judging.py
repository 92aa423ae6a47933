# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Whether a chain is to be trusted, and what is wrong with it.
#
# OpenSSL's client judges a chain while it reads the Certificate message, and up to TLS 1.2 that message comes in the
# clear: a client that is handed a ServerHello made by hand and the chain either asks for more (it trusts the chain) or
# raises with the reason. The verdict is that of a real handshake.

from __future__ import annotations

import functools
import ssl
import time
import weakref
from typing import TYPE_CHECKING

from .certificates import CertificateError, read_certificate
from .contexts import anchored, context, judging_policy
from .handshake import certificate_message, in_records, server_hello
from .model import TlsPolicy

if TYPE_CHECKING:
    from typing import Any, Iterator, Optional, Tuple

    from .certificates import Certificate

_KEPT_CHAINS, _KEPT_OCTETS = 128, 8192  # of each
# X509_V_ERR_* -> cause; any other code is `certificate_rejected`.
_VERIFY_CAUSES = {
    2: "certificate_issuer_not_found",
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    18: "certificate_self_signed",
    19: "certificate_issuer_not_found",  # the root was sent, and is not among ours
    20: "certificate_issuer_not_found",
    21: "certificate_issuer_not_found",
    26: "certificate_wrong_purpose",
    62: "certificate_name_mismatch",
    64: "certificate_name_mismatch",
    66: "certificate_weak",
    67: "certificate_weak",
    68: "certificate_weak",
}


def cause_of(error: ssl.SSLCertVerificationError) -> str:
    """Return the cause for what OpenSSL objects to in a chain."""
    return _VERIFY_CAUSES.get(error.verify_code, "certificate_rejected")


def judge(chain: Tuple[bytes, ...], server_name: str, policy: TlsPolicy) -> Optional[str]:
    """Return None when `chain` is to be trusted for `server_name`, else the cause, or `not_determined`."""
    trusting = context(judging_policy(policy))
    minute = int(time.time() // 60)  # certificates expire
    return (_kept_verdict if is_kept(chain) else _verdict)(chain, server_name, weakref.ref(trusting), minute)


def judge_by_anchor(chain: Tuple[bytes, ...], anchor: bytes) -> Optional[str]:
    """Return None when `chain` leads to the certificate `anchor` (DER), else as judge() does. Names do not count."""
    try:
        trusting = anchored(TlsPolicy(), anchor)
    except ssl.SSLError:  # OpenSSL cannot read the anchor
        return "not_determined"
    return _ask(trusting, chain, None)


def _verdict(chain: Tuple[bytes, ...], server_name: str, trusting: Any, _minute: int) -> Optional[str]:
    """`trusting`: a weak reference to a context. A verdict that is kept neither outlives it nor keeps it alive."""
    return _ask(trusting(), chain, server_name)


def _ask(trusting: ssl.SSLContext, chain: Tuple[bytes, ...], server_name: Optional[str]) -> Optional[str]:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    name = None if server_name is None else server_name.encode("ascii")
    client = trusting.wrap_bio(incoming, outgoing, server_hostname=name)
    leaf = (read_chain(chain[:1]) or (None,))[0]
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    rsa = leaf is not None and leaf.public_key.algorithm.startswith("RSA")
    incoming.write(in_records(server_hello(b"\xc0\x2f" if rsa else b"\xc0\x2b") + certificate_message(chain)))
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return None
    except ssl.SSLCertVerificationError as error:
        return cause_of(error)
    except ssl.SSLError:
        pass
    return "not_determined"


def visible_errors(leaf: Certificate, server_name: str) -> Iterator[str]:
    """What a certificate shows by itself: OpenSSL names its first objection only."""
    from .identity import names_match

    now = time.time()
    if now > leaf.not_after_timestamp:
        yield "certificate_expired"
    if now < leaf.not_before_timestamp:
        yield "certificate_not_yet_valid"
    if leaf.self_signed:
        yield "certificate_self_signed"
    if not names_match(leaf, server_name):
        yield "certificate_name_mismatch"


def missing_issuer(last: Certificate) -> str:
    """Say what the last certificate that was sent tells of the issuer that was not found: forgotten, or not trusted."""
    if last.self_signed:
        return "; the authority itself was sent, %s: it is not among the trusted ones" % last.subject
    if last.issuer_url:
        return "; an intermediate certificate is missing: %s was not sent, see %s" % (last.issuer, last.issuer_url)
    return "; the issuer of the last one was not sent, and is not among the trusted ones: %s" % last.issuer


def read_chain(chain: Tuple[bytes, ...]) -> Optional[Tuple[Certificate, ...]]:
    """Return the chain's certificates; None where none was seen, or one cannot be read."""
    return (_kept_reading if is_kept(chain) else _reading)(chain)


def _reading(chain: Tuple[bytes, ...]) -> Optional[Tuple[Certificate, ...]]:
    try:
        return tuple(read_certificate(der) for der in chain) or None
    except CertificateError:
        return None


# What is known of a chain that comes again is kept. How long one is, the relay chooses, and its facts may take thirty
# times its octets: so long ones are not kept.


def is_kept(chain: Tuple[bytes, ...]) -> bool:
    """Whether what is known of a chain is kept."""
    return sum(map(len, chain)) <= _KEPT_OCTETS


_kept_reading = functools.lru_cache(maxsize=_KEPT_CHAINS)(_reading)
_kept_verdict = functools.lru_cache(maxsize=_KEPT_CHAINS)(_verdict)
