# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A message's DKIM signature (RFC 6376), verified by ourselves where dkimpy is installed.
#
# What the receiver found is its claim; this is what holds now, by the keys that the DNS has now. The look-up is our
# own: dkimpy takes a name server that fails for a key that is not there.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .._net.text import cut, printable
from .headers import MAX_FIELDS, MAX_VALUE, first

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple, Union

    from .headers import Fields

    # The name of a key -> the key, None where there is none, or why that is not known.
    Keys = Dict[str, Union[bytes, "_Undetermined", None]]

MAX_OCTETS = 1048576  # of a message that is verified
_DNS_SECONDS = 5.0
_TAG = re.compile(r"(?:^|;)\s*([ads])\s*=\s*([^\s;]{1,255})")
_REVOKED = re.compile(rb"(?:^|;)\s*p\s*=\s*(?:;|$)")


class Dkim(NamedTuple):
    """`state`: present, absent (no signature), or not_determined. `valid` where it is present.

    `reason`: why it is not determined, or does not hold. `domain` and `selector` are those of the topmost signature,
    the one that is verified.
    """

    state: str
    reason: str
    valid: Optional[bool]
    domain: Optional[str]
    selector: Optional[str]


class _Undetermined(Exception):
    """Why nothing can be said of a signature."""


def dkim_of(fields: Fields, raw: Optional[bytes], seconds: float = _DNS_SECONDS, keys: Optional[Keys] = None) -> Dkim:
    """Return what becomes of the topmost signature. `raw`: the whole message; None where it could not be had.

    `seconds`: for the DNS to answer, at most 5. `keys`: what it has said so far, which it is not asked again.
    """
    signature = first(fields, "DKIM-Signature")
    if signature is None:
        return Dkim("absent", "", None, None, None)
    tags = dict(_TAG.findall(signature))
    about = tags.get("d"), tags.get("s")
    if raw is None:
        return Dkim("not_determined", "the message was gone before it could be verified", None, *about)
    if len(raw) >= MAX_OCTETS or len(fields) >= MAX_FIELDS or len(signature) >= MAX_VALUE:
        return Dkim("not_determined", "the message is too large to be verified", None, *about)
    if tags.get("a", "").lower() == "rsa-sha1":
        return Dkim("present", "it is made by SHA-1, which no longer counts (RFC 8301)", False, *about)
    try:
        valid, reason = _verified(raw, min(seconds, _DNS_SECONDS), {} if keys is None else keys)
    except ImportError:
        return Dkim("not_determined", "dkimpy is not installed on the host where this runs", None, *about)
    except _Undetermined as error:
        return Dkim("not_determined", str(error), None, *about)
    except Exception as error:  # noqa: BLE001  # the library's own faults with what is no message
        return Dkim("not_determined", "the signature could not be verified: %s" % type(error).__name__, None, *about)
    return Dkim("present", reason, valid, *about)


def _verified(raw: bytes, seconds: float, keys: Keys) -> Tuple[bool, str]:
    """Return whether the topmost signature holds, and why it does not. Raises ImportError, _Undetermined."""
    import dkim

    ask, key = _asking(seconds, keys)
    try:
        if dkim.DKIM(raw, timeout=max(seconds, 0.001)).verify(dnsfunc=ask):
            return True, ""
    except dkim.NaClNotFoundError:
        raise _Undetermined("an Ed25519 key needs PyNaCl, which is not installed") from None
    except dkim.DKIMException as error:
        text = str(error)
        if text.startswith("body hash mismatch"):
            return False, "the body is not what was signed"
        return False, cut(printable(text))
    if not key:
        return False, "the DNS has no key of this selector"
    if _REVOKED.search(key[0]):
        return False, "the key was revoked"
    return False, "the header is not what was signed, or the key is another"


def _asking(seconds: float, keys: Keys) -> Tuple[Callable[..., Optional[bytes]], List[bytes]]:
    """Return what dkimpy asks for a key, and where the answer is kept."""
    found: List[bytes] = []

    def ask(name: Any, **_more: Any) -> Optional[bytes]:
        text = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        if text not in keys:
            keys[text] = _key(text, seconds)
        answer = keys[text]
        if isinstance(answer, _Undetermined):
            raise answer
        found.extend([] if answer is None else [answer])
        return answer

    return ask, found


def _key(name: str, seconds: float) -> Union[bytes, _Undetermined, None]:
    """Return the key of this name; None where there is none, or why that is not known."""
    import dns.exception
    import dns.name
    import dns.resolver

    try:
        where = dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError):
        return None  # there can be no such name
    if seconds <= 0:
        return _Undetermined("no time was left to ask for the key")
    try:
        answer = dns.resolver.resolve(where, "TXT", lifetime=seconds, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return None
    except (dns.exception.DNSException, OSError) as error:
        return _Undetermined("the key could not be asked for: %s" % cut(printable(str(error))))
    return b"".join(answer[0].strings)
