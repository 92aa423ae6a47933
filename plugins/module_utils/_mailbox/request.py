# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The options of waiting for mail, and the record that they become.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .._errors import OptionError
from .._net.options import (
    CONNECTION_OPTIONS,
    SIGN_IN_OPTIONS,
    TLS_OPTIONS,
    clean,
    credentials_of,
    host_name,
    in_range,
    seconds,
    secrets_of,
    server_name,
    source_address_of,
    tls_policy_of,
    with_defaults,
)
from .finding import Wanted

if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Tuple

    from .._net.options import Credentials
    from .._net.text import Secrets
    from .._net.tls.model import TlsPolicy

OPTIONS: Dict[str, Dict[str, Any]] = {
    "host": {"type": "str"},
    "protocol": {"type": "str", "choices": ["imap", "pop3", "maildir"], "default": "imap"},
    "path": {"type": "path"},
    "port": {"type": "int"},
    **CONNECTION_OPTIONS,
    "tls": {"type": "str", "choices": ["implicit", "starttls", "none"], "default": "implicit"},
    **TLS_OPTIONS,
    **SIGN_IN_OPTIONS,
    "token": {"type": "str", "no_log": False},
    "tokens": {"type": "list", "elements": "str", "no_log": False, "default": []},
    "message_id": {"type": "str"},
    "envelope_id": {"type": "str"},
    "recipient": {"type": "str"},
    "sent": {"type": "dict"},
    "since": {"type": "dict", "aliases": ["state"]},
    "folders": {"type": "list", "elements": "str", "default": []},
    "trusted_authserv_ids": {"type": "list", "elements": "str", "default": [], "aliases": ["authserv_ids"]},
    "delete": {"type": "bool", "default": False},
    "delete_older_than": {"type": "float"},
    "poll_interval": {"type": "float", "default": 2.0},
    "timeout": {"type": "float", "default": 120.0},
    "expect": {"type": "dict"},
}
# The rules that `expect` may name, as suboptions: what Ansible checks of their values, before rules.py does.
EXPECT_OPTIONS: Dict[str, Dict[str, Any]] = {
    "arrived_within": {"type": "float"},
    "folder": {"type": "str"},
    "bounce": {"type": "raw"},
    "dkim": {"type": "list", "elements": "str"},
    "spf": {"type": "list", "elements": "str"},
    "dmarc": {"type": "list", "elements": "str"},
    "tls_on_every_hop": {"type": "bool"},
    "spam": {"type": "bool"},
}
_PORTS = {("imap", "implicit"): 993, ("imap", "starttls"): 143, ("imap", "none"): 143,
          ("pop3", "implicit"): 995, ("pop3", "starttls"): 110, ("pop3", "none"): 110}  # fmt: skip
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,127}")
MAX_TOKENS = 1000


class Sent(NamedTuple):
    """What is known of a message's way so far, told where it does not arrive. None is what is not known."""

    relay: Optional[str] = None
    at: Optional[str] = None
    queue_id: Optional[str] = None


class Request(NamedTuple):
    """Where the mailbox is, and as whom; what is looked for in it; what may be deleted; how it is judged."""

    host: str  # empty for a Maildir
    port: int
    protocol: str
    path: str
    address_family: str
    source_address: Optional[str]
    tls: str
    validate_certs: bool
    tls_policy: Optional[TlsPolicy]
    tls_server_name: str
    credentials: Optional[Credentials]
    auth_mechanisms: Optional[Tuple[str, ...]]
    allow_plaintext_auth: bool
    wanted: Tuple[Wanted, ...]
    sent: Sent
    since: Optional[Mapping[str, Mapping[str, Any]]]
    folders: Tuple[str, ...]
    trusted: Tuple[str, ...]
    delete: bool
    delete_older_than: Optional[float]
    poll_interval: float
    timeout: float
    connect_timeout: float
    expect: Mapping[str, Any]
    secrets: Secrets  # what no server is quoted with

    def __repr__(self) -> str:
        return "<Request of %s>" % (self.host or self.path)

    @property
    def place(self) -> Tuple[Any, ...]:
        """Which mailbox it is, whatever is looked for there."""
        user = None if self.credentials is None else self.credentials.username
        return self.host, self.port, self.protocol, self.path, user, self.folders


def request_of(given: Mapping[str, Any]) -> Request:
    """Return the request that `given`, some of OPTIONS, describes. Raises OptionError."""
    from .rules import parse_expectations

    options = with_defaults(given, OPTIONS)
    maildir = options["protocol"] == "maildir"
    host, path = _place(options, maildir)
    tls = "none" if maildir else options["tls"]
    credentials = None if maildir else credentials_of(options, tls)
    if credentials is None and not maildir:
        raise OptionError("username", "is needed: a mailbox shows its mail to whom it belongs.")
    wanted, sent = _wanted(options)
    if options["delete_older_than"] is not None and not 60 <= options["delete_older_than"] < 1e10:
        raise OptionError("delete_older_than", "will not do: give seconds, 60 or more.")
    return Request(
        host=host,
        port=0 if maildir else in_range("port", options["port"] or _PORTS[options["protocol"], tls], 1, 65535),
        protocol=options["protocol"],
        path=path,
        address_family=options["address_family"],
        source_address=source_address_of(options),
        tls=tls,
        validate_certs=options["validate_certs"],
        tls_policy=None if maildir else tls_policy_of(options, tls),
        tls_server_name="" if maildir else server_name(options["tls_server_name"], host, tls),
        credentials=credentials,
        auth_mechanisms=tuple(options["auth_mechanisms"] or ()) or None,
        allow_plaintext_auth=options["allow_plaintext_auth"],
        wanted=wanted,
        sent=sent,
        since=_since(options["since"]),
        folders=tuple(clean("folders[%d]" % at, name) for at, name in enumerate(options["folders"])),
        trusted=tuple(clean("trusted_authserv_ids", name) for name in options["trusted_authserv_ids"]),
        delete=options["delete"],
        delete_older_than=options["delete_older_than"],
        poll_interval=seconds("poll_interval", options["poll_interval"], 0.1),
        timeout=seconds("timeout", options["timeout"]),
        connect_timeout=seconds("connect_timeout", options["connect_timeout"]),
        expect=parse_expectations(options["expect"] or {}),
        secrets=secrets_of(credentials),
    )


def _place(options: Mapping[str, Any], maildir: bool) -> Tuple[str, str]:
    if maildir:
        if options["host"] is not None or not options["path"]:
            raise OptionError("path", "is needed for protocol maildir, and host is not: give the Maildir's folder.")
        return "", clean("path", options["path"])
    if options["path"] is not None:
        raise OptionError("path", "is for protocol maildir only.")
    return host_name(options["host"]), ""


def _wanted(options: Mapping[str, Any]) -> Tuple[Tuple[Wanted, ...], Sent]:
    """Return what is looked for, and what `sent`, a report of smtp_check, tells of it."""
    report = options["sent"] or {}
    message = report.get("message")
    message = message if isinstance(message, dict) else {}
    tokens: List[str] = [token for token in (options["token"], *options["tokens"]) if token is not None]
    if options["sent"] is not None and not tokens:
        tokens = [message["token"]] if isinstance(message.get("token"), str) else []
        if not tokens:
            raise OptionError("sent", "holds no token of a message: give what smtp_check with send returned.")
    if len(set(tokens)) < len(tokens) or len(tokens) > MAX_TOKENS:
        raise OptionError("tokens", "must differ from each other, and be %d at most." % MAX_TOKENS)
    for token in tokens:
        if not _TOKEN.fullmatch(token):
            raise OptionError("token", "must be of letters, digits, and . _ = - within, 128 at most.")
    # What is empty names nothing: else all that lacks it would be ours.
    about: Dict[str, Optional[str]] = {
        name: clean(name, options[name] or "").strip() or None for name in ("message_id", "envelope_id", "recipient")
    }
    if any(about.values()) and len(tokens) != 1:
        raise OptionError("token", "is needed, and one only, where message_id, envelope_id or recipient is given.")
    known = (report.get("host"), report.get("checked_at"), message.get("queue_id"))
    sent = Sent(*(value if isinstance(value, str) else None for value in known))
    bare = (about["message_id"] or "").strip("<> ")
    about["message_id"] = "<%s>" % bare if bare else None
    return tuple(Wanted(token, **about) for token in tokens), sent


def _since(given: Optional[Mapping[str, Any]]) -> Optional[Mapping[str, Mapping[str, Any]]]:
    """Return the state as `mailbox_state` had it, alone or in its report: folder -> numbers, names, lists of names."""
    if given is not None and "verdict" in given and isinstance(given.get("mailbox_state"), dict):
        if not given["mailbox_state"]:
            raise OptionError("since", "holds no state: give what a task without a token returned, that passed.")
        given = given["mailbox_state"]
    for folder, marks in (given or {}).items():
        if not isinstance(marks, dict) or not all(map(_is_mark, marks.values())):
            raise OptionError(
                "since", "is no state: give what a task without a token returned, or mailbox_state of it."
            )
        clean("since", str(folder))
    return given


def _is_mark(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(one, str) for one in value)
    return value is None or (isinstance(value, (int, str)) and not isinstance(value, bool))
