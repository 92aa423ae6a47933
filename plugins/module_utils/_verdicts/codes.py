# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Reply codes and enhanced status codes in plain words.

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Container, Dict, Optional

# RFC 5321 4.2.1: the first digit of a reply code, and of an enhanced status code (RFC 3463 3.1), which has no 3.
CLASSES: Dict[int, str] = {2: "success", 3: "more is wanted", 4: "refused for now", 5: "refused for good"}

# RFC 5321 4.2.3, RFC 4954 6, RFC 3207 4, RFC 7504, RFC 5248.
CODES: Dict[int, str] = {
    211: "system status", 214: "help", 220: "service ready", 221: "closing the connection",
    235: "authentication succeeded", 250: "done", 251: "user not local, will forward",
    252: "cannot verify the user, but will try to deliver", 334: "go on with the authentication",
    354: "send the message, end with a dot", 421: "service not available, closing the connection",
    432: "a password transition is needed", 450: "mailbox not available now, or put off by policy",
    451: "local error, try again", 452: "insufficient storage, try again", 453: "you have no mail",
    454: "temporary authentication failure, or TLS not available", 455: "parameters cannot be honoured now",
    458: "queueing was not possible", 459: "node not allowed", 500: "command not recognised",
    501: "syntax error in the parameters", 502: "command not implemented", 503: "commands in the wrong order",
    504: "parameter not implemented", 521: "this host takes no mail", 523: "message too long for this relay",
    530: "authentication or encryption is needed first", 534: "mechanism too weak", 535: "credentials not accepted",
    538: "the mechanism needs encryption", 550: "mailbox not available, or refused by policy", 551: "user not local",
    552: "storage exceeded", 553: "mailbox name not allowed", 554: "transaction failed, or refused by policy",
    555: "parameters not recognised", 556: "the domain takes no mail",
}  # fmt: skip

# RFC 3463 and IANA's registry of enhanced status codes: subject and detail; the class is the first digit.
ENHANCED_CODES: Dict[str, str] = {
    "0.0": "no further detail", "1.0": "address problem", "1.1": "no such mailbox", "1.2": "no such host or domain",
    "1.3": "bad address syntax", "1.4": "ambiguous address", "1.5": "address valid", "1.6": "mailbox has moved",
    "1.7": "bad sender address syntax", "1.8": "bad sender domain", "1.9": "relayed to a non-compliant mailer",
    "1.10": "the recipient's domain has a null MX", "2.0": "mailbox problem", "2.1": "mailbox disabled",
    "2.2": "mailbox full", "2.3": "message longer than the mailbox takes", "2.4": "mailing list cannot be expanded",
    "3.0": "mail system problem", "3.1": "mail system full", "3.2": "system takes no messages",
    "3.3": "system lacks a feature that was asked for", "3.4": "message too big for the system",
    "3.5": "system incorrectly configured", "4.0": "network or routing problem", "4.1": "no answer from the host",
    "4.2": "bad connection", "4.3": "directory server failed", "4.4": "unable to route", "4.5": "mail system congested",
    "4.6": "routing loop", "4.7": "delivery time expired", "5.0": "protocol problem", "5.1": "invalid command",
    "5.2": "syntax error", "5.3": "too many recipients", "5.4": "invalid arguments", "5.5": "wrong protocol version",
    "5.6": "authentication line too long", "6.0": "content problem", "6.1": "media not supported",
    "6.2": "conversion prohibited", "6.3": "conversion needed but not supported", "6.5": "conversion failed",
    "6.7": "non-ASCII address not permitted", "7.0": "security or policy problem", "7.1": "delivery not authorised",
    "7.2": "expansion not authorised", "7.3": "security conversion not possible",
    "7.4": "security features not supported", "7.5": "cryptographic failure", "7.7": "message integrity failure",
    "7.8": "credentials not valid", "7.9": "mechanism too weak", "7.10": "encryption needed",
    "7.11": "encryption needed for this mechanism", "7.12": "password transition needed", "7.13": "account disabled",
    "7.14": "trust relationship required", "7.20": "no passing DKIM signature", "7.23": "SPF validation failed",
    "7.24": "SPF validation error", "7.25": "reverse DNS validation failed",
    "7.26": "several authentication checks failed", "7.27": "the sender has a null MX", "7.28": "mail flood detected",
    "7.30": "REQUIRETLS support required",
}  # fmt: skip


def explain_code(code: int, enhanced_code: Optional[str] = None, untrue: Container[object] = ()) -> str:
    """Return what a reply code, with its enhanced status code if any, means in plain words.

    Of those in `untrue`, because the relay's words say otherwise, only the class counts.

    >>> explain_code(554, "5.7.1")
    '554: transaction failed, or refused by policy (refused for good); 5.7.1: delivery not authorised'
    >>> explain_code(432, "4.7.1", untrue=[432])
    '432: refused for now; 4.7.1: delivery not authorised'
    """
    meaning = CODES.get(code, "not a registered code")
    kind = CLASSES.get(code // 100, "not a class of SMTP")
    text = "%d: %s" % (code, kind if code in untrue else "%s (%s)" % (meaning, kind))
    if enhanced_code is None or enhanced_code in untrue:
        return text
    return "%s; %s" % (text, _subject_and_detail(enhanced_code))


def explain_enhanced_code(enhanced_code: str) -> str:
    """Return what an enhanced status code means where no reply code stands before it.

    >>> explain_enhanced_code("4.2.2")
    '4.2.2: mailbox full (refused for now)'
    """
    return "%s (%s)" % (_subject_and_detail(enhanced_code), CLASSES[int(enhanced_code[0])])


def _subject_and_detail(enhanced_code: str) -> str:
    detail = ENHANCED_CODES.get(enhanced_code.partition(".")[2], "not a registered enhanced code")
    return "%s: %s" % (enhanced_code, detail)
