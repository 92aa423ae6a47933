# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What a check does at a relay beyond looking: signing in, commands, an envelope, a message.
#
# Each field of Actions is nothing by default. So whoever asks more of the same endpoint (a probe) does only what it
# names itself. What only some checks need (signing in, a message) is imported where it is needed: every line of it
# costs each task its time.

from __future__ import annotations

import os
import re
import socket
from typing import TYPE_CHECKING, NamedTuple

from .._errors import OptionError
from .._net.options import clean, credentials_of, to_ascii
from .endpoint import is_ehlo_name

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Generator, List, Mapping, Optional, Sequence, Tuple

    from .._net.options import Credentials
    from .message import Message

_MAX_ADDRESS = 1000  # twice a command line (RFC 5321 4.5.3.1.4)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_KEYWORD = re.compile("[A-Za-z0-9][A-Za-z0-9-]*")  # RFC 5321 4.1.2: esmtp-keyword
_VALUE = re.compile("[\x21-\x3c\x3e-\x7e]+")  # esmtp-value
_OWN_PARAMETERS = {
    "SIZE": "test_message",
    "BODY": "test_message",
    "SMTPUTF8": "test_message",
    "RET": "dsn",
    "ENVID": "dsn",
    "REQUIRETLS": "requiretls",
    "PRDR": "prdr",
}
_INTERNATIONAL = re.compile("(?:VRFY|EXPN) .+ SMTPUTF8", re.IGNORECASE)  # RFC 6531 3.7.4.2
# These change the session under our feet, or carry what has an option of its own.
_NOT_EXTRA = tuple(
    "ATRN AUTH BDAT BURL DATA EHLO ETRN HELO LHLO MAIL PROXY QUIT RCPT RSET SAML SEND SOML STARTTLS TURN X-EXPS "
    "XCLIENT XEXCH50".split()
)


class Actions(NamedTuple):
    """What to do once the relay is reached, and where to stop; by default only what every conversation does."""

    credentials: Optional[Credentials] = None
    auth_mechanisms: Optional[Tuple[str, ...]] = None
    allow_plaintext_auth: bool = False
    extra_commands: Tuple[str, ...] = ()
    sender: Optional[str] = None
    recipients: Tuple[str, ...] = ()
    message: Optional[Message] = None
    dsn: Optional[Mapping[str, Any]] = None
    chunking: bool = False
    requiretls: bool = False
    prdr: bool = False
    mail_parameters: Mapping[str, Optional[str]] = {}
    send: bool = False
    send_if: str = "any"
    check_mode: bool = False  # with send: go as far as before DATA
    stop_after: str = ""
    # What somebody else has to say once TLS stands: given the conversation's State, it yields steps as that does.
    dialogue: Optional[Callable[[Any], Generator[Any, Any, None]]] = None


def actions_of(options: Mapping[str, Any], tls: str, now: float, check_mode: bool, warnings: List[str]) -> Actions:
    """Return the actions that `options`, all of OPTIONS, ask for. Raises OptionError.

    `tls`: the endpoint's. `now`: the time of day. What is doubtful, but allowed, is added to `warnings`.
    """
    credentials = credentials_of(options, tls)
    sender, recipients = _envelope(options, warnings)
    sending = options["send"]
    extra_commands = _extra_commands(options["extra_commands"] or ())
    if check_mode and (sending or extra_commands):
        unsent = ["the message"] * sending + ["extra_commands"] * bool(extra_commands)
        warnings.append("Check mode does not send %s." % " or ".join(unsent))
    return Actions(
        credentials=credentials,
        auth_mechanisms=tuple(options["auth_mechanisms"] or ()) or None,
        allow_plaintext_auth=options["allow_plaintext_auth"],
        extra_commands=() if check_mode else extra_commands,
        sender=sender,
        recipients=recipients,
        message=_message(options, sender or "", recipients, now) if sending else None,
        dsn=_dsn(options["dsn"]),
        chunking=options["chunking"],
        requiretls=options["requiretls"],
        prdr=options["prdr"],
        mail_parameters=_mail_parameters(options["mail_parameters"] or {}),
        send=sending,
        send_if=options["send_if"],
        check_mode=check_mode,
        stop_after=options["stop_after"] or "",
    )


def _extra_commands(given: Sequence[str]) -> Tuple[str, ...]:
    for index, text in enumerate(given):
        option = "extra_commands[%d]" % index
        # Some servers end the verb where its letters end, whatever follows.
        verb = re.match("[A-Z0-9-]*", clean(option, text).strip().upper())
        if not verb or not verb.group() or not (text.isascii() or _INTERNATIONAL.fullmatch(text.strip())):
            text = "is not a command in ASCII, nor VRFY or EXPN with SMTPUTF8. Give one such as 'VRFY postmaster'."
            raise OptionError(option, text)
        if verb.group() in _NOT_EXTRA:
            raise OptionError(option, "%s is refused here: it would change the session." % verb.group())
        if len(text.encode("utf-8")) > 510:
            raise OptionError(option, "is longer than a command line may be (RFC 5321 4.5.3.1.4).")
    return tuple(text.strip() for text in given)


def _envelope(options: Mapping[str, Any], warnings: List[str]) -> Tuple[Optional[str], Tuple[str, ...]]:
    sender, recipients = options["sender"], tuple(options["recipients"])
    if recipients and sender is None:
        raise OptionError("sender", "is needed where there are recipients; '' is the null reverse-path.")
    if options["send"] and not recipients:
        raise OptionError("recipients", "are needed to send a message.")
    if options["send"] and options["stop_after"]:
        raise OptionError("stop_after", "and send exclude each other.")
    if options["test_message"] and not options["send"]:
        warnings.append("test_message is not used: send is false.")
    if sender:
        sender = _address("sender", sender, warnings)
    recipients = tuple(_address("recipients[%d]" % index, to, warnings) for index, to in enumerate(recipients))
    if options["stop_after"] in ("greeting", "ehlo", "tls", "auth"):
        return None, ()
    return sender, () if options["stop_after"] == "mail" else recipients


def _address(option: str, address: str, warnings: List[str]) -> str:
    """Refuse what could become another command or parameter; anything else passes as it is (RFC 5321 4.1.2).

    But a domain that is not ASCII goes out as A-labels where the local part is ASCII: that needs no SMTPUTF8.
    """
    clean(option, address)
    if len(address) > _MAX_ADDRESS:
        raise OptionError(option, "is longer than any relay takes (%d characters)." % _MAX_ADDRESS)
    if not address or re.search(r"[\s<>]", _QUOTED.sub("", address)):
        raise OptionError(option, "is no address. Give it bare: user@example.com, without <>.")
    local, at, domain = address.rpartition("@")
    if local.isascii() and at and not domain.isascii():
        address = local + at + to_ascii(option, domain)
    if len(address.encode("utf-8", "replace")) > 254 or len(local.encode("utf-8", "replace")) > 64:
        warnings.append("%s: longer than RFC 5321 4.5.3.1 allows (64 and 254 octets)." % option)
    return address


def _dsn(dsn: Optional[Mapping[str, Any]]) -> Optional[Mapping[str, Any]]:
    if dsn is None:
        return None
    notify = dsn["notify"] or ()
    if "never" in notify and len(notify) > 1:
        raise OptionError("dsn.notify", "never excludes the others.")
    if dsn["envid"] and not re.fullmatch("[ -~]{1,100}", dsn["envid"]):
        raise OptionError("dsn.envid", "must be printable ASCII, 100 characters at most (RFC 3461 4.4).")
    return dsn


def _mail_parameters(given: Mapping[str, Any]) -> Dict[str, Optional[str]]:
    parameters: Dict[str, Optional[str]] = {}
    for name, value in given.items():
        option, keyword = "mail_parameters.%s" % name, str(name).upper()
        if not _KEYWORD.fullmatch(keyword):
            raise OptionError("mail_parameters", "holds a name that is no keyword (RFC 5321 4.1.2).")
        if keyword in _OWN_PARAMETERS:
            raise OptionError(option, "is set by %s." % _OWN_PARAMETERS[keyword])
        if value is not None and not _VALUE.fullmatch(str(value)):
            raise OptionError(option, "holds what a parameter's value may not: a space, '=', or a control character.")
        parameters[keyword] = None if value is None else str(value)
    return parameters


def _message(options: Mapping[str, Any], sender: str, recipients: Tuple[str, ...], now: float) -> Any:
    from .message import build_message

    domain = sender.rpartition("@")[2] or socket.gethostname()
    domain = domain if is_ehlo_name(domain) else "localhost"
    return build_message(options["test_message"] or {}, sender, recipients, domain, now, os.urandom(16).hex())
