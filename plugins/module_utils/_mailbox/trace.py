# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The way that a message has come: `Received` lines -> hops, from the first to the last (RFC 5321 4.4).
#
# Each server writes its own line, above those that were there. So a line is as true as the server is honest: what it
# says of TLS is the receiving server's claim, and its times are those of its own clock.

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, NamedTuple

from .headers import split_comments

if TYPE_CHECKING:
    from typing import Any, Collection, Dict, List, Optional, Tuple

    from .headers import Fields

MAX_HOPS = 100  # servers give a message up for looping with fewer (RFC 5321 6.3)
_MAX_WORD = 300  # characters of anything in a hop

_KEYWORDS = ("from", "by", "via", "with", "id", "for")
# With TLS, and those that RFC 3848 and RFC 6531 name for what is spoken without.
_WITH_TLS = re.compile(r"(?:utf8)?(?:esmtp|smtp|lmtp)sa?|https", re.IGNORECASE)
_WITHOUT_TLS = re.compile(r"smtp|(?:esmtp|lmtp|utf8smtp|utf8lmtp)a?", re.IGNORECASE)
_INSIDE = re.compile(r"local.*|mapi|uid|bsmtp|pipe", re.IGNORECASE)  # by no network
# `TLSv1/SSLv3` is what OpenSSL once called a family of ciphers, whatever the version.
_VERSION = re.compile(r"\bTLSv?_?1(?:[._]([0-3]))?\b(?!/SSL)", re.IGNORECASE)
_CIPHER = re.compile(
    r"\b(?:TLS|ECDHE|DHE|EDH|RSA|AES|AECDH|ADH|DES|RC4|CAMELLIA)[0-9]{0,3}[_-][A-Z0-9_-]{2,60}", re.IGNORECASE
)
# What servers that call it SMTP all the same write of TLS in a comment: qmail with a patch, old Sendmail, Courier.
_SAYS_TLS = re.compile(
    r"\A(?!not )[A-Z0-9_-]{3,60} encrypted(?:,|\Z)|\b(?:TLS|SSL)(?:v?_?[123][._0-9]*)?(?=[\s:,;/]|\Z)", re.IGNORECASE
)
_ADDRESS = re.compile(r"\[?(?:IPv6:)?([0-9a-fA-F:.]{2,45})(?:%[\w.]{1,20})?\]?\Z", re.IGNORECASE)
_CLAIMED = re.compile(r"\b(?:helo|ident)[= ]\S+", re.IGNORECASE)  # by the client, of itself: that is not its address
_HELO = re.compile(r"\bhelo[= ]([^\s()]{1,255})", re.IGNORECASE)
_LATEST = 4102444800  # the year 2100: what is later is no time that a clock has


class Hop(NamedTuple):
    """One server's line. None is what it does not say; `local` where the message came over no network, or its own.

    `tls` is the receiving server's claim. `delay` in seconds since the hop before, negative where clocks differ.
    """

    from_: Optional[str]  # the name that the client gave itself
    address: Optional[str]  # the client's
    by: Optional[str]
    with_: Optional[str]  # the protocol, as the server calls it
    tls: Optional[bool]
    tls_version: Optional[str]
    cipher: Optional[str]
    id: Optional[str]  # by which the server's log knows the message
    local: bool
    time: Optional[str]  # UTC
    delay: Optional[float]


class Trace(NamedTuple):
    """All hops, in the order of travel. `seconds`: between the first and the last of them, where clocks agree."""

    hops: Tuple[Hop, ...]
    seconds: Optional[float]
    encrypted: Optional[bool]  # on every hop over a network; None where one does not say
    problems: Tuple[str, ...]

    def as_dict(self) -> Dict[str, Any]:
        hops = [{name.rstrip("_"): value for name, value in hop._asdict().items()} for hop in self.hops]
        return {**self._asdict(), "hops": hops, "problems": list(self.problems)}


def trace_of(fields: Fields) -> Trace:
    """Return the way of the message that `fields` belong to."""
    lines = [value for name, value in fields if name.lower() == "received"]
    problems: List[str] = []
    if len(lines) > MAX_HOPS:
        left_out = (len(lines) - MAX_HOPS, MAX_HOPS)
        problems.append("%d Received lines more than are read (%d): the oldest are left out" % left_out)
    hops: List[Hop] = []
    moments: List[Optional[float]] = []
    for line in reversed(lines[:MAX_HOPS]):
        hop, moment = _read(line)
        before = moments[-1] if moments else None
        delay = None if before is None or moment is None else moment - before
        if delay is not None and delay < 0:
            clocks = (hop.by or "a server", -delay, hops[-1].by or "the one before")
            problems.append(
                "clock skew: %s gives a time %.0f s before that of %s, from which it got the message" % clocks
            )
        hops.append(hop._replace(delay=delay))
        moments.append(moment)
    total = None
    if moments and moments[0] is not None and moments[-1] is not None and not any((h.delay or 0) < 0 for h in hops):
        total = moments[-1] - moments[0]
    return Trace(tuple(hops), total, _encrypted(hops), tuple(problems))


def _encrypted(hops: List[Hop]) -> Optional[bool]:
    claims = [hop.tls for hop in hops if not hop.local]
    if False in claims:
        return False
    return True if claims and None not in claims else None


def hop_of(line: str) -> Hop:
    """Return what one Received line tells."""
    return _read(line)[0]


def _read(line: str) -> Tuple[Hop, Optional[float]]:
    """Read one line: its clauses stand outside of comments, the date after the last semicolon."""
    outside, comments = split_comments(line)
    clauses, _semicolon, date = outside.rpartition(";")
    if not _semicolon:
        clauses, date = outside, ""
    said = _clauses(clauses)
    protocol = said.get("with")
    tls = _tls(protocol, line)
    version, cipher = _parameters(clauses, comments) if tls else (None, None)
    name, address = _client(said.get("from"), line)
    moment = _moment(date)
    hop = Hop(
        from_=name,
        address=address,
        by=said.get("by"),
        with_=protocol,
        tls=tls,
        tls_version=version,
        cipher=cipher,
        id=said.get("id"),
        local=_is_local(said, name, address),
        time=None if moment is None else _iso(moment),
        delay=None,
    )
    return hop, moment


def _clauses(text: str) -> Dict[str, str]:
    """Return the words after each keyword; of `with` all of them ("Microsoft SMTP Server"), else the first.

    Nothing after `from` is no local delivery: clients call themselves as they like, `by` for one.
    """
    found: Dict[str, str] = {}
    keyword = ""
    for word in text.split():
        lowered = word.lower()
        if lowered in _KEYWORDS and lowered not in found:
            keyword = lowered
            found[keyword] = ""
        elif keyword and not found[keyword]:
            found[keyword] = word[:_MAX_WORD]
        elif keyword == "with" and found[keyword] in ("Microsoft", "Microsoft SMTP"):
            found[keyword] += " " + word[:_MAX_WORD]
    return {name: value for name, value in found.items() if value or name == "from"}


def _tls(protocol: Optional[str], line: str) -> Optional[bool]:
    """Whether the server says that TLS was spoken. None where it does not say what was spoken, or not in one voice.

    What stands before `by` holds names that the client has given, so a claim there only takes a protocol's word away.
    """
    if protocol is None or _INSIDE.fullmatch(protocol):
        return None
    if _WITH_TLS.fullmatch(protocol):
        return True
    about_client, rest = _halves(line)
    if any(map(_claims_tls, split_comments(rest)[1])):
        return True
    if _WITHOUT_TLS.fullmatch(protocol) and not any(map(_claims_tls, split_comments(about_client)[1])):
        return False
    return None


def _claims_tls(comment: str) -> bool:
    """A comment with an address in it, of a client or a sender, is about these, whatever they call themselves."""
    return _SAYS_TLS.search(comment) is not None and "@" not in comment and not any(map(_address_in, comment.split()))


def _halves(line: str) -> Tuple[str, str]:
    """Return what stands before `by`, which is about the client, and what stands after it."""
    depth = 0
    for found in re.finditer(r"[()]|(?<!\S)by(?!\S)", line, re.IGNORECASE):
        if found.group() in "()":
            depth += 1 if found.group() == "(" else -1
        elif depth <= 0:
            return line[: found.start()], line[found.end() :]
    return line, ""


def _parameters(clauses: str, comments: List[str]) -> Tuple[Optional[str], Optional[str]]:
    """Return version and cipher, from the first comment that holds one, else from the clauses (Exim, Haraka)."""
    version: Optional[str] = None
    cipher: Optional[str] = None
    for text in (*comments, clauses):
        seen = _VERSION.search(text)
        if version is None and seen:
            version = "TLSv1" + ("." + seen.group(1) if seen.group(1) not in (None, "0") else "")
        named = _CIPHER.search(_VERSION.sub(" ", text))
        if cipher is None and named:
            cipher = named.group()
    return version, cipher


def _client(name: Optional[str], line: str) -> Tuple[Optional[str], Optional[str]]:
    """Return the name that the client gave itself, and its address: from the comments between `from` and `by`."""
    if name is None:
        return None, None
    comments = split_comments(_halves(line)[0])[1]
    told = " ".join(comments)
    named = _HELO.search(told)
    words = [word.strip("();,") for word in _CLAIMED.sub(" ", told).split()]
    found = [_address_in(word) for word in words]
    address = next(filter(None, reversed(found)), None) or _address_in(name)
    return (named.group(1)[:_MAX_WORD] if named else name or None), address


def _address_in(word: str) -> Optional[str]:
    import ipaddress

    found = _ADDRESS.search(word[-80:].rpartition("@")[2].rpartition("=")[2])
    if found is None:
        return None
    try:
        return str(ipaddress.ip_address(found.group(1)))
    except ValueError:
        return None


def _is_local(said: Dict[str, str], name: Optional[str], address: Optional[str]) -> bool:
    import ipaddress

    if "from" not in said or (address and ipaddress.ip_address(address).is_loopback):
        return True
    if _INSIDE.fullmatch(said.get("with", "")):
        return True
    return name is not None and address is None and name.lower() == said.get("by", "").lower()


def _moment(text: str) -> Optional[float]:
    """Return the time of a date (RFC 5322 3.3) as seconds since 1970; None where it is none."""
    from email.utils import mktime_tz, parsedate_tz

    try:
        read = parsedate_tz(text.strip()[:100])
        moment = None if read is None else float(mktime_tz(read))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment if moment is not None and 0 <= moment < _LATEST else None


def _iso(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def written_by(line: str, names: Collection[str]) -> bool:
    """Whether a Received line is by one of these servers, or by one whose name lies below or above theirs."""
    by = _clauses(split_comments(line)[0].rpartition(";")[0]).get("by", "").lower().rstrip(".")
    return any(by == name or by.endswith("." + name) or name.endswith("." + by) for name in names if "." in by)
