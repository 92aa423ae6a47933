# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What servers write back about a message: bounces, warnings of a delay, auto-replies, reports of success.
#
# A report in the form of RFC 3464 is read field by field; what is told in words only is the matter of bounce_text.
# Whose message it is about is told by what the sender knows of it: token, Message-ID, envelope id, recipient. One that
# is about another is nothing.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .._net.text import cut, printable
from .bounce_text import DAEMON, MOST_RECIPIENTS, cause_of_report, passages, reason_in, said_about
from .finding import Report
from .headers import fields_of, first, split_comments
from .parts import parts_of

if TYPE_CHECKING:
    from typing import List, Optional, Set, Tuple

    from .finding import Wanted
    from .headers import Fields

_TELLING = 8  # characters from which on a word of a text is no chance: whoever chooses a token may choose `a`
MAX_OCTETS = 65536  # of a report; what was returned of a long message is cut off
_MOST_GROUPS = MOST_RECIPIENTS  # of fields in it: of the message, and of each recipient

_ACTIONS = {
    "failed": "bounce", "delayed": "delay", "delivered": "success", "relayed": "success", "expanded": "success",
}  # fmt: skip
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")  # RFC 3464, RFC 6533
_RETURNED_PARTS = ("text/rfc822-headers", "message/global-headers", "message/rfc822", "message/global")


class Reported(NamedTuple):
    """What a message of a server's reports, of each recipient, and by what it tells of which message."""

    reports: Tuple[Report, ...]
    returned: Fields  # the header of the message that it is about
    text: str  # in which it may be named
    is_in_words: bool


def names_of(wanted: Wanted) -> Set[Tuple[str, str]]:
    """Return what the header of the message itself, or of a copy of it, may be known by."""
    names = {("token", wanted.token)}
    if wanted.message_id:
        names.add(("id", wanted.message_id))
    if len(wanted.token) >= _TELLING:
        names.add(("id", "<%s@" % wanted.token))
    return names


def names_in(fields: Fields) -> List[Tuple[str, str]]:
    """Return what a header is known by: its token, else its Message-ID, whole and up to the at sign."""
    token = first(fields, "X-Mailcheck-Token")
    if token is not None:
        return [("token", token)]
    message_id = first(fields, "Message-ID") or ""
    return [("id", message_id), ("id", message_id.partition("@")[0] + "@")]


def _is_ours(fields: Fields, wanted: Wanted) -> bool:
    return not names_of(wanted).isdisjoint(names_in(fields))


def may_be_report(fields: Fields) -> bool:
    """Whether a header looks as if a server had written the message, not a person."""
    content = (first(fields, "Content-Type") or "").lower()
    if content.startswith("multipart/report") or first(fields, "X-Failed-Recipients"):
        return True
    automatic = (first(fields, "Auto-Submitted") or "no").lower()
    sender = first(fields, "Return-Path")
    return automatic != "no" or sender == "<>" or DAEMON.search(first(fields, "From") or "") is not None


def reported_in(raw: bytes) -> Optional[Reported]:
    """Return what a message reports, about whatever message; None if it is no report.

    `raw` may be cut off after MAX_OCTETS.
    """
    raw = raw[:MAX_OCTETS]
    fields = fields_of(raw)
    if not may_be_report(fields):
        return None
    groups: List[Fields] = []
    returned: Fields = ()
    texts: List[Tuple[str, str]] = []
    for kind, octets, words in parts_of(raw):
        if kind in _STATUS_PARTS:
            blocks = re.split(rb"\r?\n\r?\n", octets, maxsplit=_MOST_GROUPS)[: _MOST_GROUPS - len(groups)]
            groups += [found for found in map(fields_of, blocks) if found]
        elif kind in _RETURNED_PARTS:
            returned = returned or fields_of(octets)
        else:
            texts.append((kind, words))
    text = "\n".join([words for kind, words in texts if kind != "text/html" and words] or [one[1] for one in texts])
    if groups:
        return Reported(_from_fields(fields, groups[0], groups[1:], text), returned, "", False)
    reports = said_about(fields, text)
    answered = (first(fields, name) or "" for name in ("In-Reply-To", "References"))  # RFC 3834 3.1.5
    return Reported(tuple(reports), returned, "\n".join((text, *answered)), True) if reports else None


def _from_fields(fields: Fields, per_message: Fields, recipients: List[Fields], text: str) -> Tuple[Report, ...]:
    reports = [_about_recipient(fields, per_message, one) for one in recipients or [per_message]]
    said = passages(text, [one.final_recipient or one.original_recipient for one in reports])
    return tuple(_with_reason(*one) for one in zip(reports, said))


def _with_reason(report: Report, text: str) -> Report:
    """Exim writes no Diagnostic-Code about what it refuses itself: the reason stands in the text for people alone."""
    words = "" if report.kind != "bounce" or report.diagnostic_code else reason_in(text)
    if not words:
        return report
    return report._replace(diagnostic_code=cut(words), cause=cause_of_report(report.status, words))


def _about_recipient(fields: Fields, per_message: Fields, recipient: Fields) -> Report:
    action = (first(recipient, "Action") or "").lower().split()
    status = _STATUS.search(first(recipient, "Status") or "")
    diagnostic = first(recipient, "Diagnostic-Code")
    found = status.group() if status else None
    kind = _ACTIONS.get(action[0]) if action else None
    kind = kind or {"2": "success", "4": "delay"}.get(found[0] if found else "5", "bounce")
    return Report(
        kind=kind,
        action=action[0] if action and action[0] in _ACTIONS else None,
        status=found,
        diagnostic_code=None if diagnostic is None else cut(diagnostic),
        reporting_mta=_value(first(per_message, "Reporting-MTA")),
        remote_mta=_value(first(recipient, "Remote-MTA")),
        final_recipient=_value(first(recipient, "Final-Recipient")),
        original_recipient=_value(first(recipient, "Original-Recipient")),
        envelope_id=_from_xtext(first(per_message, "Original-Envelope-Id")),
        language=first(fields, "Content-Language"),
        cause=None if kind == "success" else cause_of_report(found, _value(diagnostic) or ""),
    )


def _value(field: Optional[str]) -> Optional[str]:
    """Return what follows the type: `dns; mx.example.net`."""
    if field is None:
        return None
    _type, semicolon, value = field.partition(";")
    return cut((value if semicolon else field).strip())


def _from_xtext(text: Optional[str]) -> Optional[str]:
    """Return what xtext (RFC 3461 4) stands for."""
    return text and printable(_XTEXT.sub(lambda found: chr(int(found.group(1), 16)), text))


# Whose it is


def concerns(reported: Reported, wanted: Wanted) -> bool:
    """Whether it is about the wanted message."""
    returned, envelope_id = reported.returned, reported.reports[0].envelope_id
    if first(returned, "X-Mailcheck-Token") or first(returned, "Message-ID"):
        if _is_ours(returned, wanted):
            return True
        return wanted.envelope_id is not None and envelope_id == wanted.envelope_id
    if reported.is_in_words:
        return _is_named(reported.text, wanted)
    if wanted.envelope_id is not None and envelope_id is not None:
        return envelope_id == wanted.envelope_id
    return any(_is_of(one, wanted.recipient) for one in reported.reports)


def report_of(reported: Reported, recipient: Optional[str]) -> Tuple[Optional[Report], bool]:
    """Return what is reported of a recipient, and whether nothing tells which recipient is meant.

    Of several that may be meant one that failed decides. None: it is all about others.
    """
    named = [one for one in reported.reports if _is_of(one, recipient)]
    # A server that does not repeat the address that it was given may know the recipient by another.
    meant = named or [one for one in reported.reports if recipient is None or one.original_recipient is None]
    report = next((one for one in meant if one.kind == "bounce"), next(iter(meant), None))
    return report, len(meant) > 1 and not named


def _is_of(report: Report, recipient: Optional[str]) -> bool:
    """Some write an address with its brackets, or a comment beside it (RFC 3464 2.1.1)."""
    known = [
        split_comments(one or "")[0].strip(" <>").lower() for one in (report.original_recipient, report.final_recipient)
    ]
    return recipient is not None and recipient.lower() in known


def _is_named(text: str, wanted: Wanted) -> bool:
    """Whether a text holds what only this message has. Token and Message-ID stand alone, or between brackets."""
    message_id = wanted.message_id and wanted.message_id.strip("<>")
    known = [name for name in (wanted.token, message_id, wanted.envelope_id) if name and len(name) >= _TELLING]
    if not any(name in text for name in known):  # most texts are about another
        return False
    words = re.split(r"[\s<>;,]", text)
    beginning = wanted.token + "@" if wanted.token in known else None
    return any(word in known or (beginning and word.startswith(beginning)) for word in words if word)
