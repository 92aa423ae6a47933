# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Contexts by policy: one for each, kept from run to run.
#
# `ssl.create_default_context()` is not used: what it accepts drifts from one interpreter to the next. Versions,
# ciphers, flags and the security level are pinned here.

from __future__ import annotations

import _ssl
import os
import re
import ssl
import sys
import warnings
import weakref
from typing import TYPE_CHECKING, NamedTuple

from ..._errors import OptionError
from .handshake import CERTIFICATE, HANDSHAKE, chain_in
from .model import VERSIONS, TlsFailure, TlsPolicy

if TYPE_CHECKING:
    from typing import Any, Dict, FrozenSet, List, Optional, Tuple

    Stamp = Tuple[str, int, int, int]  # path, inode, octets, nanoseconds of the last change

_NUMBERS = {name: ssl.TLSVersion[name.replace(".", "_")] for name in VERSIONS}
# RFC 9325 4.2 and what relays of the last decade offer besides. Security level 2 (112 bits) is Debian's
# default, not OpenSSL's: unpinned, "weak" would depend on the distribution. TLS 1.0 and 1.1 sign with
# SHA-1, which only level 0 lets pass; of certificates level 2 is asked for all the same.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:RSA+AESGCM:RSA+AES"
_ANY_CIPHERS = "ALL"
_LEGACY_SERVER_CONNECT = 0x4  # ssl.OP_LEGACY_SERVER_CONNECT, which Python has from 3.12
_PARTIAL_CHAIN = 0x80000  # ssl.VERIFY_X509_PARTIAL_CHAIN, from 3.10: an anchor need not be a root


class _Held(NamedTuple):
    """A policy's context, what its files looked like when it was made, and which run looked at them last."""

    context: ssl.SSLContext
    stamps: Tuple[Stamp, ...]
    run: Optional[float]  # None: no run yet
    warning: Optional[str] = None  # what that run found wrong with files that were good before


_held: Dict[TlsPolicy, _Held] = {}  # those that were looked at last stand last
_MOST_HELD = 32  # each with its authorities takes up to a megabyte; those of the latest run do not count


def context(policy: TlsPolicy) -> ssl.SSLContext:
    """Return the one context of a policy; its files are not looked at again while it is held (see prepare()).

    Raises OptionError for files that cannot be used, TlsFailure for versions that this OpenSSL was built without.
    """
    held = _held.get(policy)
    if held is None:
        stamps = _stamps(policy)  # first: what changes while it is read is read again by the next run
        held = _held[policy] = _Held(_made(policy), stamps, None)
    return held.context


def prepare(policy: TlsPolicy, run: float) -> List[str]:
    """Make the contexts that a policy will need, before any socket opens: reading the authorities takes its time.

    Processes live for months: files that have been renewed are read anew. That is looked at once in a `run`, which is
    named by the time of day when it began: what becomes of a file in its course does not concern it. What cannot be
    used does not replace what could: returned is what was wrong, as warnings. Raises OptionError for files that cannot
    be used, and never could.
    """
    found: List[str] = []
    for needed in dict.fromkeys((policy, judging_policy(policy))):
        try:
            warning = _looked_at(needed, run).warning
        except TlsFailure:
            continue  # the handshake will say so
        if warning and warning not in found:
            found.append(warning)
    return found


def _instead(error: OptionError, policy: TlsPolicy) -> str:
    """The file is named: it was good before, so no secret was given in its place."""
    path = getattr(policy, error.option)
    return "%s%s What was read before is used instead." % (error, " (%s)" % path if path else "")


def _looked_at(policy: TlsPolicy, run: float) -> _Held:
    before = _held.get(policy)
    if before is not None and before.run == run:
        return before
    stamps = _stamps(policy)
    if before is not None and before.stamps == stamps:
        held = before._replace(run=run, warning=None)
    else:
        try:
            held = _Held(_made(policy, renewed=before is not None), stamps, run)
        except OptionError as error:
            if before is None:
                raise
            held = before._replace(run=run, warning=_instead(error, policy))
    _held.pop(policy, None)
    _held[policy] = held
    for oldest, other in list(_held.items())[: max(0, len(_held) - _MOST_HELD)]:
        if other.run != run:
            _held.pop(oldest, None)
    return held


def _stamps(policy: TlsPolicy) -> Tuple[Stamp, ...]:
    """Return what tells whether one of the files that a policy's context is made of has been renewed."""
    paths = [policy.client_cert, policy.client_key]
    if policy.verify and policy.ca_path:
        paths.append(policy.ca_path)
    elif policy.verify:
        system = ssl.get_default_verify_paths()
        paths += [system.cafile, system.capath]
    stamps: List[Stamp] = []
    for path in filter(None, paths):
        try:
            stamps += _files(path)
        except (OSError, ValueError):
            stamps.append((path, 0, 0, 0))  # who reads it will say why
    return tuple(stamps)


def _files(path: str) -> List[Stamp]:
    """Return a file's stamp, or those of the files in a folder."""
    if os.path.isdir(path):
        with os.scandir(path) as entries:
            found = [(entry.path, entry.stat()) for entry in entries if entry.is_file()]
    else:
        found = [(path, os.stat(path))]
    return sorted((name, status.st_ino, status.st_size, status.st_mtime_ns) for name, status in found)


def anchored(policy: TlsPolicy, anchor: bytes) -> ssl.SSLContext:
    """Return a context that trusts one certificate (DER), whoever has issued it, and no other.

    Names are not its business. Raises ssl.SSLError for octets that are no certificate.
    """
    made = _bare(judging_policy(policy))
    made.check_hostname = False
    made.verify_flags |= _PARTIAL_CHAIN
    made.load_verify_locations(cadata=anchor)
    return made


def _made(policy: TlsPolicy, renewed: bool = False) -> ssl.SSLContext:
    made = _bare(policy)
    if policy.verify:
        _load_authorities(made, policy.ca_path, renewed)
    if policy.client_cert:
        _load_client_certificate(made, policy.client_cert, policy)
    if sys.version_info < (3, 10):
        made._msg_callback = _keep_chain
    return made


def _bare(policy: TlsPolicy) -> ssl.SSLContext:
    """Return a context that trusts nobody yet."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # RFC 5746: a relay without it is refused where it is to be trusted, whatever this OpenSSL would do by itself.
    if _is_old(policy) or not policy.verify:
        made.options |= _LEGACY_SERVER_CONNECT
    else:
        made.options &= ~_LEGACY_SERVER_CONNECT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are asked for on purpose
        try:
            made.minimum_version = _NUMBERS[policy.minimum]
            made.maximum_version = _NUMBERS[policy.maximum] if policy.maximum else ssl.TLSVersion.MAXIMUM_SUPPORTED
        except ValueError as error:
            raise TlsFailure("tls_version_unavailable", "OpenSSL says: %s" % error) from None
    made.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST
    made.hostname_checks_common_name = False  # RFC 9525 2: names in the subject do not count
    if not policy.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    _set_ciphers(made, policy)
    return made


def _is_old(policy: TlsPolicy) -> bool:
    return VERSIONS.index(policy.minimum) < VERSIONS.index("TLSv1.2")


def newest_version() -> str:
    """Return the newest version that this OpenSSL offers."""
    return VERSIONS[-1] if ssl.HAS_TLSv1_3 else VERSIONS[-2]


def judged_apart(policy: TlsPolicy) -> bool:
    """Whether the handshake's own verdict does not do: it asks for none, or would take any key and signature."""
    return not policy.verify or _is_old(policy)


def judging_policy(policy: TlsPolicy) -> TlsPolicy:
    """Return the policy whose context judges a chain: only what decides about chains matters to the judge.

    Where the handshake judges as well, it is the same one: its authorities are read already. If it admits neither
    TLS 1.2 nor the suites that the judge needs, nothing can be determined once a handshake has failed.
    """
    if not judged_apart(policy):
        return policy
    ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=%d" % _security_level(policy)
    return TlsPolicy(policy.ca_path, "TLSv1.2", "TLSv1.2", ciphers, verify=True)


def _security_level(policy: TlsPolicy, otherwise: int = 2) -> int:
    given = re.findall("@SECLEVEL=([0-9])", policy.ciphers or "")
    return int(given[-1]) if given else otherwise


def _set_ciphers(made: ssl.SSLContext, policy: TlsPolicy) -> None:
    ciphers = policy.ciphers or (_ANY_CIPHERS if _is_old(policy) else _CIPHERS)
    if policy.verify or not policy.unprotected:
        # Suites without a certificate, or without encryption, would pass for a verified session.
        ciphers += ":!aNULL:!eNULL"
    ciphers += ":@SECLEVEL=%d" % _security_level(policy, 0 if _is_old(policy) else 2)
    try:
        made.set_ciphers(ciphers)
    except (ssl.SSLError, ValueError):  # ValueError: a NUL
        text = "OpenSSL knows none of these that has a certificate and encrypts; see `openssl ciphers`."
        raise OptionError("tls_ciphers", text) from None


def finite_field_suites(policy: TlsPolicy) -> FrozenSet[bytes]:
    """Return the numbers of the suites by which a relay may name a Diffie-Hellman modulus of its own."""
    offered = context(policy).get_ciphers()
    named = [one["id"] for one in offered if one["name"].startswith(("DHE-", "ADH-"))]
    return frozenset((number & 0xFFFF).to_bytes(2, "big") for number in named)


def _load_authorities(made: ssl.SSLContext, ca_path: Optional[str], renewed: bool) -> None:
    if ca_path is None:
        made.set_default_verify_paths()
        if renewed and not _system_has_authorities(made):  # a host without any is no mistake of the caller's
            raise OptionError("ca_path", "The system's store of authorities holds no certificate any more.")
        return
    name = ca_path
    try:
        for name, *_stamp in _files(ca_path):
            _load_file(made, name)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError; ValueError: a NUL in the path
        unreadable = isinstance(error, ssl.SSLError)
        reason = "holds a certificate or key that cannot be read" if unreadable else getattr(error, "strerror", error)
        where = "" if name == ca_path else os.path.basename(name) + ": "
        raise OptionError("ca_path", "%s%s. Give a PEM file, or a folder of them." % (where, reason)) from None
    if not made.cert_store_stats()["x509"]:
        raise OptionError("ca_path", "holds no certificate. Give a PEM file, or a folder of them.")


def _system_has_authorities(made: ssl.SSLContext) -> bool:
    """Its folder's are not loaded with the context: OpenSSL looks for them one by one, as it needs them."""
    folder = ssl.get_default_verify_paths().capath
    return bool(made.cert_store_stats()["x509"] or (folder and _files(folder)))


def _load_file(made: ssl.SSLContext, name: str) -> None:
    """Let OpenSSL read a file itself, as it is: a TRUSTED CERTIFICATE says what its owner must not be trusted with."""
    try:
        made.load_verify_locations(name)
    except ssl.SSLError as error:
        if error.reason != "NO_CERTIFICATE_OR_CRL_FOUND":  # in a folder other things may lie about
            raise


def _load_client_certificate(made: ssl.SSLContext, certificate: str, policy: TlsPolicy) -> None:
    for option, path in (("client_cert", certificate), ("client_key", policy.client_key or certificate)):
        try:
            with open(path, "rb"):  # OpenSSL would not say which one it cannot read
                pass
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", error)
            raise OptionError(option, "%s. Give the path of a PEM file." % reason) from None
    try:
        # Without a password of our own OpenSSL would ask on the terminal.
        made.load_cert_chain(certificate, policy.client_key, lambda: policy.client_key_password or "")
    except ssl.SSLError as error:
        raise OptionError(
            "client_cert",
            "is with its key not a usable pair (%s). Give PEM files, the key of this certificate, and "
            "client_key_password when the key is encrypted." % (error.reason or "not PEM"),
        ) from None
    except (OSError, ValueError) as error:
        raise OptionError("client_cert", "%s." % getattr(error, "strerror", error)) from None


# The chain as sent. Public from Python 3.13, reachable from 3.10; before that a hook sees the Certificate
# message go by. Where neither works the facts say so: an empty chain here, null in the report.

_chains_seen: weakref.WeakKeyDictionary[ssl.SSLObject, Tuple[bytes, ...]] = weakref.WeakKeyDictionary()


def sent_chain(connection: ssl.SSLObject) -> Tuple[bytes, ...]:
    if hasattr(connection, "get_unverified_chain"):
        return tuple(connection.get_unverified_chain() or ())
    inner: Any = getattr(connection, "_sslobj", None)
    if hasattr(inner, "get_unverified_chain"):
        return tuple(c.public_bytes(_ssl.ENCODING_DER) for c in inner.get_unverified_chain() or ())
    return _chains_seen.get(connection, ())


def _keep_chain(connection: Any, direction: str, version: Any, content: Any, message: Any, data: bytes) -> None:
    """`SSLContext._msg_callback`: keep what a server's Certificate message holds."""
    if direction == "read" and content == HANDSHAKE and message == CERTIFICATE:
        _chains_seen[connection] = chain_in(data, with_extensions=version == ssl.TLSVersion.TLSv1_3)
