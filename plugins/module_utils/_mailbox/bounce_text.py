# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What a server tells in words about a message, in whatever language, and the cause of a failure.
#
# Codes count first: they are the same in every language. Words tell a bounce from a warning that the server goes on
# trying, and a server from the rule of a mailbox that answers by itself.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .._net.text import cut
from .._verdicts.wording import cause_of, first_enhanced_code
from .finding import Report
from .headers import first

if TYPE_CHECKING:
    from typing import Dict, List, Optional, Sequence

    from .headers import Fields

DAEMON = re.compile(
    r"\b(?:mailer-?daemon|postmaster|mail delivery (?:sub)?system|microsoftexchange\w*)\b", re.IGNORECASE
)
_REPLY = re.compile(r"(?:^|\s)([45][0-9]{2})(?=[ -])")
_REFUSED = re.compile(r"(?:^\s{0,20}|[:>]\s{1,3}|\bsaid:?\s)5[0-5][0-9][ -]", re.MULTILINE)
_NULL = ("<>", "<#@[]>")  # the reverse-path of whatever a server writes (RFC 5321 4.5.5); qmail's of a second bounce
_ADDRESS = re.compile(r"<?([^\s<>@]{1,64}@[\w.-]{1,255})>?")
# A line that a passage about a recipient begins with.
_BEGINS = re.compile(r"^[ \t]{0,8}<?([^\s<>@]{1,64}@[\w.-]{1,255})>?:?[ \t]{0,8}\r?$", re.MULTILINE)
MOST_RECIPIENTS = 100  # of one report
# In a subject these say that the server goes on trying. re compiles them where a text has no code that tells.
_DELAY = (
    r"\bdelay", r"\bwarning: (?:could not|message)", "still being retried", "not yet been delivered", "will be retried",
    "verzöger", "noch nicht zugestellt", "retard[éè]", "différé", "en attente", "retras", "demorad", "ritard",
    "atras(?:o|ad)", "vertraag", "vertraging", "försen", "fördröj", "forsink", "viiväst", "opóźni", "zpožd", "gecik",
    "задерж", "отлож", "遅延", "延迟", "延遲", "지연",
)  # fmt: skip
# In a text, where a bounce may tell of the delay that went before it, only these do.
_GOES_ON = (
    r"\bstill being retried", r"\bwill be retried", r"\battempts will continue", r"\bwill keep trying",
    r"\bwill (?:try|retry) again", r"\b(?:do|need) not (?:need to )?resend", r"\bwarning message only",
    r"\bnot yet been delivered", "weiterhin versucht", "erneut versuch", "noch nicht zugestellt",
    "nouvelles? tentatives?", "pas (?:encore )?besoin de (?:le )?renvoyer", "seguirá intentando",
    "no es necesario (?:que )?(?:vuelva a )?(?:re)?env", "ulteriori tentativi", "novas? tentativas?",
    "opnieuw (?:proberen|geprobeerd)", "повторные попыт", "再送", "重试", "重試",
)  # fmt: skip
_GAVE_UP = re.compile(
    r"\b(?:giv(?:e|en|ing) up|too long|expired|timeout exceeded|deleted from queue|permanent)", re.IGNORECASE
)
# Where servers that write plain text begin to repeat the message, or where its header begins.
_COPY = re.compile(
    r"^(?:-{2,80}.{0,60}\b(?:copy|original message|returned message)\b|(?:Received|Return-Path|X-Mailcheck-Token):)",
    re.IGNORECASE | re.MULTILINE,
)


def cause_of_report(status: Optional[str], words: str) -> str:
    """The words decide; what they leave open, the status does (RFC 3464 2.3.6)."""
    reply = _REPLY.search(words[:200])
    code = int(reply.group(1)) if reply else 450 if status and status.startswith("4") else 550
    rest = words[reply.end() :].lstrip("- ") if reply else words
    own = first_enhanced_code(rest)
    by_words = cause_of("message", code, own, rest)
    return (
        by_words
        if by_words not in ("message_rejected", "message_deferred")
        else cause_of("rcpt", code, own or status, rest)
    )


def reason_in(text: str) -> str:
    """Return the lines of a text that give a reason by a code; nothing where none does."""
    return " ".join(_coded(_COPY.split(text, 1)[0]))


def passages(text: str, addresses: Sequence[Optional[str]]) -> List[str]:
    """Return what a text says of each address: from where it is named up to the next. All of it is about one alone."""
    if len(addresses) < 2:
        return [text] * len(addresses)
    wanted = [(one or "").lower() for one in addresses]
    begins: Dict[str, int] = {}
    for found in _ADDRESS.finditer(text):
        name = found.group(1).lower().strip(".'\"()")
        if name in wanted:
            begins.setdefault(name, found.start())
    places = sorted(begins.values())
    ends = dict(zip(places, [*places[1:], len(text)]))
    return [text[begins[one] : ends[begins[one]]] if one in begins else "" for one in wanted]


def said_about(fields: Fields, text: str) -> List[Report]:
    """Return what a message that has no fields of RFC 3464 says in words of each recipient; nothing where a person may
    have written it."""
    said = _COPY.split(text, 1)[0]
    status = first_enhanced_code(said)
    refused = (status or "").startswith("5") or _REFUSED.search(said) is not None
    kind = _kind(fields, said, status, refused)
    if kind in (None, "auto_reply"):
        return [] if kind is None else [Report(kind)]
    listed = _ADDRESS.findall((first(fields, "X-Failed-Recipients") or "").replace(",", " ")) or _BEGINS.findall(said)
    recipients: List[Optional[str]] = [*dict.fromkeys(listed)][:MOST_RECIPIENTS]
    if not recipients:
        about = _ADDRESS.search(said)
        recipients = [about.group(1) if about else None]
    language = first(fields, "Content-Language")
    return [_said_of(kind, one, words, language) for one, words in zip(recipients, passages(said, recipients))]


def _said_of(kind: str, recipient: Optional[str], said: str, language: Optional[str]) -> Report:
    status = first_enhanced_code(said)
    if kind == "delay":
        return Report(kind, status=status, final_recipient=recipient)
    words = " ".join(_coded(said) or _lines(said)[:20])
    return Report(
        kind, status=status, diagnostic_code=cut(words) or None, final_recipient=recipient,
        language=language, cause=cause_of_report(status, words),
    )  # fmt: skip


def _kind(fields: Fields, said: str, status: Optional[str], refused: bool) -> Optional[str]:
    """Return what it is; None where nothing says that a server wrote it."""
    answers = first(fields, "In-Reply-To") is not None
    automatic = (first(fields, "Auto-Submitted") or "").lower()
    sender = first(fields, "Return-Path")
    by_server = DAEMON.search(first(fields, "From") or "") is not None and sender in (None, *_NULL)
    coded = status is not None and refused and sender in _NULL
    if first(fields, "X-Failed-Recipients") is None:
        if _is_answer_of_a_mailbox(fields) or (answers and not (status or refused)):
            return "auto_reply"
        if not by_server and not coded:
            return "auto_reply" if answers or automatic.startswith("auto-replied") else None
    if refused or _GAVE_UP.search(said):
        return "bounce"
    subject = _unicode(first(fields, "Subject") or "")
    goes_on = _holds(_DELAY, subject) or _holds(_GOES_ON, said) or (status or "").startswith("4")
    return "delay" if goes_on else "bounce"


def _holds(words: Sequence[str], text: str) -> bool:
    return re.search("|".join(words), text, re.IGNORECASE) is not None


def _is_answer_of_a_mailbox(fields: Fields) -> bool:
    """Whether a recipient's own rule answers (RFC 3834, RFC 8098), or a reader complains (RFC 5965)."""
    content = (first(fields, "Content-Type") or "").lower()
    of_another_kind = content.startswith("multipart/report") and "delivery-status" not in content
    named = any(first(fields, name) is not None for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder"))
    return of_another_kind or named or "vacation" in (first(fields, "Auto-Submitted") or "").lower()


def _unicode(text: str) -> str:
    """Return a header's text in which encoded words (RFC 2047) stand for what they mean."""
    from email.errors import HeaderParseError
    from email.header import decode_header, make_header

    try:
        return str(make_header(decode_header(text[:1000])))
    except (HeaderParseError, UnicodeError, LookupError, ValueError):
        return text


def _coded(text: str) -> List[str]:
    """Return the lines that give the reason, with a code in them."""
    return [line for line in _lines(text) if first_enhanced_code(line) or _REPLY.search(line)][:20]


def _lines(text: str) -> List[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]
