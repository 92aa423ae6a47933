# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What a relay's own words stand for: the cause of a refusal, what else the words tell, the queue id in an acceptance.
#
# A refusal is read as a sentence: what it is about (the client, the sender, the recipient, ...), and what is wrong with
# it. lexicon.py turns phrases into such notions, and the notions of one sentence, the codes and the stage into a
# cause. Where no rule fits, stage and class of the code give a general one. Addresses, host names and URLs are no
# words: each counts as what it is, whatever its letters spell.

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from .causes import CAUSES

if TYPE_CHECKING:
    from typing import Dict, FrozenSet, List, Optional, Set, Tuple, Union

# A refusal says in its first lines what it is about; advice and links follow. A relay may send 64 KiB: no more is read.
CHARACTERS_READ = 1000

_ENVELOPE = ("mail", "rcpt", "data", "message")
# Where no row fits: stage -> (cause of 4yz, cause of 5yz).
_GENERAL_CAUSES: Dict[str, Tuple[str, str]] = {
    "greeting": ("rate_limited", "greeting_refused"),
    "ehlo": ("ehlo_refused", "ehlo_refused"),
    "starttls": ("tls_unavailable", "tls_refused"),
    "xclient": ("xclient_refused", "xclient_refused"),
    "auth": ("auth_temporarily_failed", "auth_rejected"),
    "mail": ("sender_deferred", "sender_rejected"),
    "rcpt": ("recipient_deferred", "recipient_rejected"),
    "data": ("message_deferred", "message_rejected"),
    "message": ("message_deferred", "message_rejected"),
}


def cause_of(stage: str, code: int, enhanced_code: Optional[str], text: str) -> str:
    """Return the cause that a reply other than the one hoped for stands for. `text`: its lines, without their codes."""
    if not 400 <= code < 600:
        return "protocol_violation"
    read = _read(text[:CHARACTERS_READ])
    codes = _code_notions(stage, code, enhanced_code or read.enhanced_code)
    causes = (_told_by(codes, stage, sentences) for sentences in (read.diagnosis, read.advice))
    told = next((cause for cause in causes if cause is not None), "")
    return told or _GENERAL_CAUSES.get(stage, ("protocol_violation", "protocol_violation"))[code // 500]


def _told_by(codes: Set[str], stage: str, sentences: List[Set[str]]) -> Optional[str]:
    """Return the cause of the first row that fits.

    A sentence that fits a row of `lexicon.GENERAL` says nothing to the rows below; the others and the codes still do.
    """
    told: Optional[str] = None
    for cause, needed, stages in _tables().rules:
        words = needed - codes
        if (stages is None or stage in stages) and any(words <= sentence for sentence in sentences or [set()]):
            if cause:
                return cause
            told, sentences = cause, [sentence for sentence in sentences if not words <= sentence]
    return told


def _code_notions(stage: str, code: int, enhanced_code: Optional[str]) -> Set[str]:
    notions = {"@" + stage, "%dyz" % (code // 100), str(code)}
    notions.add("x" + enhanced_code[1:] if enhanced_code else "uncoded")
    if stage in _ENVELOPE:
        notions.add("@envelope")
    if stage != "greeting":
        notions.add("@session")
    return notions


# From words to notions


class _Tables(NamedTuple):
    """The tables of lexicon.py as they are looked up: made once, and only where a relay refuses."""

    fillers: FrozenSet[str]
    whole: FrozenSet[str]  # words that stand for themselves
    stems: FrozenSet[str]  # what other words may begin with
    phrases: Dict[Tuple[str, ...], FrozenSet[str]]  # words -> notions
    longest: Dict[str, int]  # first word -> how many words its longest phrase has
    rules: List[Tuple[str, FrozenSet[str], Optional[FrozenSet[str]]]]  # cause, its notions, its stages if not all


class _Read(NamedTuple):
    """The notions of each sentence; what only says where to read on stands apart."""

    diagnosis: List[Set[str]]
    advice: List[Set[str]]
    enhanced_code: Optional[str]  # the first that stands anywhere


@lru_cache(maxsize=None)
def _tables() -> _Tables:
    from .lexicon import CAUSES_OF, FILLERS, LEXICON

    listed = [(notion, phrase.split()) for notion, row in LEXICON.items() for phrase in row.split(",")]
    stems = frozenset(word[:-1] for _notion, words in listed for word in words if word.endswith("*"))
    whole = frozenset(words[0] for _notion, words in listed if len(words) == 1 and not words[0].endswith("*"))
    phrases: Dict[Tuple[str, ...], FrozenSet[str]] = {}
    longest: Dict[str, int] = {}
    for notion, words in listed:
        phrase = tuple(_stem(word.rstrip("*"), whole, stems) for word in words)
        phrases[phrase] = phrases.get(phrase, frozenset()) | {notion}
        longest[phrase[0]] = max(longest.get(phrase[0], 0), len(phrase))
    rules = [
        (cause, frozenset(needed.split()), _stages_of(cause)) for cause, row in CAUSES_OF for needed in row.split(",")
    ]
    return _Tables(FILLERS, whole, stems, phrases, longest, rules)


def _stages_of(cause: str) -> Optional[FrozenSet[str]]:
    stages = CAUSES[cause].stages.split() if cause else ["any"]
    return None if "any" in stages else frozenset(stages)


@lru_cache(maxsize=1024)
def _stem(word: str, whole: FrozenSet[str], stems: FrozenSet[str]) -> str:
    if word in whole:
        return word
    return next((word[:end] for end in range(min(len(word), 20), 2, -1) if word[:end] in stems), word)


_IPV4 = re.compile(r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w])")
# A time of day has two colons, too.
_IPV6 = re.compile(r"(?:IPv6:)?((?=[0-9a-fA-F:]*::|(?:[0-9a-fA-F]{1,4}:){6})[0-9a-fA-F:.]+)")
_URL = re.compile(r"(?:https?|ftp)://\S+")
_ENHANCED = re.compile(r"#?([245]\.[0-9]{1,3}\.[0-9]{1,3})")
_HOST = re.compile(r"(?:[\w-]+\.)+(?:[a-z]{2,}|[A-Z]{2,8})")
_LIST = re.compile(r"(?<![a-z0-9])(?:[a-z]{0,4}bl|spamhaus|spamcop|barracudacentral|uceprotect|sorbs)(?![a-z0-9])")
_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT = re.compile(r"n['\u2019\"]t\b|\bcannot\b|\bcan ?not\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+|[0-9]+")
_ADVISES = frozenset("see visit go refer review contact check direct ask if learn for to more".split())
_BRACKETS = "<>()[]{}\"'"
_AROUND = _BRACKETS + ".,;:!?"


def _read(text: str) -> _Read:
    """Read a text word by word: its cost grows with its length, whatever it holds."""
    read = _Read([], [], None)
    words: List[str] = []
    for chunk in (*_NOT.sub(" not", text).split(), "."):
        bare = chunk.strip(_AROUND)
        enhanced = None if bare.isalpha() else _ENHANCED.fullmatch(bare)
        if enhanced:
            read = read._replace(enhanced_code=read.enhanced_code or enhanced.group(1))
        elif bare.isalpha() and (bare[1:].islower() or bare.isupper()):
            words.append(bare.lower())
        else:
            words += _words(chunk, bare)
        if words and (chunk in ("-", "--") or (chunk[-1] in ".;!?" and not chunk.endswith("..."))):
            kind = read.advice if _advises(words) else read.diagnosis
            kind.append(_notions(words))
            words = []
    return read


def _words(chunk: str, bare: str) -> List[str]:
    """The words of what stands between two spaces: a name, an address or a URL is one, whatever it spells."""
    if "://" in chunk or bare.startswith("www."):
        return ["<list>" if _LIST.search(chunk.lower()) else "<url>"]
    if "@" in bare:
        return ["<mailbox>"]
    address = _IPV4.search(chunk)
    if address:
        named = chunk[: address.start()].strip(_BRACKETS)
        return ["<client>" if named and chunk[address.start() - 1] == "[" else "<ip>"]
    if _IPV6.fullmatch(bare):
        return ["<ip>"]
    if _HOST.fullmatch(bare):
        return ["<list>" if _LIST.search(bare.lower()) else "<host>"]
    if chunk[0] == "<" and ">" in chunk[1:]:
        return ["<name>"]
    return ["<number>" if word.isdigit() else word.lower() for word in _WORD.findall(_CAMEL_CASE.sub(" ", chunk))]


def _advises(words: List[str]) -> bool:
    return words[words[0] == "please" and len(words) > 1] in _ADVISES


def _notions(words: List[str]) -> Set[str]:
    """Return what the phrases of one sentence stand for; of those that overlap the longest."""
    fillers, whole, stems, phrases, longest, _rules = _tables()
    told = [_stem(word, whole, stems) for word in words if word not in fillers]
    found: Set[str] = set()
    at = 0
    while at < len(told):
        length = min(longest.get(told[at], 0), len(told) - at)
        while length and tuple(told[at : at + length]) not in phrases:
            length -= 1
        if length:
            found |= phrases[tuple(told[at : at + length])]
        at += length or 1
    return found


def first_enhanced_code(text: str) -> Optional[str]:
    """Return the first enhanced status code in a text, however it is written: `5.1.1`, `#5.1.1`, `(#5.1.1)`."""
    for chunk in text.split():
        found = _ENHANCED.fullmatch(chunk.strip(_AROUND))
        if found:
            return found.group(1)
    return None


def first_address(text: str) -> str:
    """Return the first IP address in a text, or nothing."""
    for chunk in text.split():
        bare = chunk.strip(_AROUND)
        found = _IPV4.search(chunk) or _IPV6.fullmatch(bare)
        if found:
            return found.group(found.lastindex or 0)
    return ""


def first_url(text: str) -> str:
    """Return the first URL in a text, or nothing."""
    found = _URL.search(text)
    return found.group().rstrip(_AROUND) if found else ""


# What a reply code's registered meaning can stand beside; of codes that are not here, any cause.
_MEANT_FOR: Dict[int, Tuple[str, ...]] = {
    432: ("auth_temporarily_failed",),
    451: ("system_error", "system_full", "routing_failed", "auth_temporarily_failed"),
    452: ("system_full", "mailbox_full", "message_too_large", "too_many_recipients"),
    454: ("auth_temporarily_failed", "tls_unavailable"),
    521: ("greeting_refused", "domain_unknown"),
    523: ("message_too_large",),
    530: ("authentication_required", "tls_required"),
    534: ("auth_mechanism_refused",),
    535: ("auth_rejected",),
    538: ("tls_required",),
    551: ("mailbox_unknown", "mailbox_moved", "relay_denied"),
    552: ("mailbox_full", "message_too_large", "system_full"),
    553: ("mailbox_unknown", "sender_rejected"),
    556: ("domain_unknown",),
    **dict.fromkeys((500, 501, 502, 503, 504, 555), ("command_rejected", "auth_mechanism_refused", "tls_refused")),
}


def contradicts(code: Union[int, str], cause: str) -> bool:
    """Return whether what a code is registered for says something else than `cause`, for which the words spoke."""
    if any(cause in causes for causes in _GENERAL_CAUSES.values()):
        return False
    if isinstance(code, int):
        return cause not in _MEANT_FOR.get(code, (cause,))
    meant = _meant_by("x" + code[1:])
    return bool(meant) and cause not in meant


@lru_cache(maxsize=256)
def _meant_by(notion: str) -> FrozenSet[str]:
    """The causes that an enhanced code stands for by itself: those of rows without a word."""
    rules = _tables().rules
    return frozenset(name for name, needed, _stages in rules if notion in needed and not any(map(str.isalpha, needed)))


# How relays name a message in their final reply, in order. `{id}` is what the name may be made of.
_QUEUE_IDS = tuple(
    re.compile(form.replace("{id}", r"([\w][\w.@+=-]{1,99})"), re.IGNORECASE)
    for form in (
        r"\[InternalId={id}",  # Exchange
        r"\bqueued (?:on [\w.-]{1,255} )?(?:as |with id |id )?\(?{id}",  # Postfix, Haraka, Stalwart, Piler, Yandex
        r"\bid[=:] ?{id}",  # Exim
        r"\b{id} message accepted",  # Sendmail, OpenSMTPD
        r"\bmessage {id} accepted",  # Cisco
        r"\b{id} - gsmtp",  # Gmail
        r"\bqp {id}",  # qmail
        r"> {id} saved$",  # Dovecot
        r"^(?:2\.[0-9]\.[0-9] )?ok[:.]? {id}$",  # Amazon SES, Courier
    )
)
# A duration, a size, an enhanced code, a date.
_NO_QUEUE_ID = re.compile(r"[0-9]{1,3}(?:\.[0-9]+)*|2(?:\.[0-9]+){2}|[0-9]{4}(?:-[0-9]{2}){2}")


def queue_id(text: str) -> Optional[str]:
    """Return the name under which the relay's log knows the message, where its reply gives one.

    A plain word is none: better no name than a wrong one.

    >>> queue_id("2.0.0 Ok: queued as 4XyZ12abcd")
    '4XyZ12abcd'
    >>> queue_id("2.6.0 Message queued for delivery")
    """
    words = text[:CHARACTERS_READ].replace("\n", " ")
    for form in _QUEUE_IDS:
        found = form.search(words)
        name = found.group(1).rstrip(".") if found else ""
        if name and _names_a_message(name):
            return name
    return None


def _names_a_message(name: str) -> bool:
    if _NO_QUEUE_ID.fullmatch(name):
        return False
    odd_capitals = not name.islower() and not name[1:].islower()
    return any(map(str.isdigit, name)) or (odd_capitals and len(name) >= 8)
