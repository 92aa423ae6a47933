# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. The options of a check, and the way from what a caller wrote to a Request.
#
# OPTIONS is the one list of options that every module and the Python face share, in the form of an Ansible
# argument spec. `build_request()` refuses every mistake before any socket opens, with an OptionError that names
# the option and the remedy; what it returns needs no further looking at. What only some checks need (TLS, signing in,
# rules, a message) is imported where it is needed: every line of it costs each task its time.

from __future__ import annotations

import os
import re
import socket
from typing import TYPE_CHECKING

from . import model
from .resolve import is_literal

if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

_TLS_VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]

MESSAGE_OPTIONS: Dict[str, Dict[str, Any]] = {
    "subject": {"type": "str"},
    "body": {"type": "str"},
    "html": {"type": "str"},
    "headers": {"type": "dict"},
    "attachments": {
        "type": "list",
        "elements": "dict",
        "options": {
            "path": {"type": "path"},
            "content": {"type": "str"},
            "filename": {"type": "str"},
            "content_type": {"type": "str"},
        },
    },
    "probe": {"type": "str", "choices": ["gtube", "eicar"]},
    "transfer_encoding": {"type": "str", "choices": ["7bit", "8bit"], "default": "7bit"},
    "file": {"type": "path"},
    "normalise_line_endings": {"type": "bool", "default": False},
}

OPTIONS: Dict[str, Dict[str, Any]] = {
    "port": {"type": "int"},
    "protocol": {"type": "str", "choices": ["smtp", "lmtp"], "default": "smtp"},
    "address_family": {"type": "str", "choices": ["any", "ipv4", "ipv6"], "default": "any"},
    "source_address": {"type": "str"},
    "ehlo_name": {"type": "str"},
    "tls": {"type": "str", "choices": ["starttls", "opportunistic", "implicit", "none"]},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "tls_server_name": {"type": "str"},
    "tls_min_version": {"type": "str", "choices": _TLS_VERSIONS, "default": "TLSv1.2"},
    "tls_max_version": {"type": "str", "choices": _TLS_VERSIONS},
    "tls_ciphers": {"type": "str"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path"},
    "client_key_password": {"type": "str", "no_log": True},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "access_token": {"type": "str", "no_log": True},
    "auth_mechanisms": {"type": "list", "elements": "str"},
    "allow_plaintext_auth": {"type": "bool", "default": False},
    "sender": {"type": "str"},
    "recipients": {"type": "list", "elements": "str", "default": []},
    "send": {"type": "bool", "default": False},
    "dsn": {
        "type": "dict",
        "options": {
            "notify": {"type": "list", "elements": "str", "choices": ["never", "success", "failure", "delay"]},
            "ret": {"type": "str", "choices": ["full", "hdrs"]},
            "envid": {"type": "str"},
            "orcpt": {"type": "bool", "default": False},
        },
    },
    "chunking": {"type": "bool", "default": False},
    "requiretls": {"type": "bool", "default": False},
    "prdr": {"type": "bool", "default": False},
    "mail_parameters": {"type": "dict"},
    "proxy_protocol": {
        "type": "dict",
        "options": {
            "version": {"type": "int", "choices": [1, 2], "default": 2},
            "source_address": {"type": "str", "required": True},
            "source_port": {"type": "int"},
            "destination_address": {"type": "str"},
            "destination_port": {"type": "int"},
        },
    },
    "xclient": {"type": "dict"},
    "extra_commands": {"type": "list", "elements": "str"},
    "survey": {"type": "bool", "default": False},
    "send_if": {"type": "str", "choices": ["any", "all"], "default": "any"},
    "test_message": {"type": "dict", "options": MESSAGE_OPTIONS},
    "stop_after": {"type": "str", "choices": ["greeting", "ehlo", "tls", "auth", "mail", "rcpt"]},
    "timeout": {"type": "float", "default": 30.0},
    "connect_timeout": {"type": "float", "default": 10.0},
    "acceptance_timeout": {"type": "float", "default": 120.0},
    "retry_for": {"type": "float", "default": 0.0},
    "retry_interval": {"type": "float", "default": 2.0},
    "expect": {"type": "dict"},
    "transcript": {"type": "str", "choices": ["always", "on_failure", "never"]},
}

_TYPES: Dict[str, Tuple[type, ...]] = {
    "str": (str,),
    "path": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list, tuple),
    "dict": (dict,),
}
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # lone surrogates stand for octets that are not UTF-8
_HOST_NAME = re.compile(r"(?!-)([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
_UNIX_PATH_OCTETS = 107  # what a socket's address has room for
_MAX_ADDRESS = 1000  # twice a command line (RFC 5321 4.5.3.1.4)
_EHLO_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?|\[[A-Za-z0-9:.-]+\]")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def with_defaults(given: Mapping[str, Any], table: Mapping[str, Mapping[str, Any]], prefix: str = "") -> Dict[str, Any]:
    """Return every option of `table`, from `given` or by default, its type and choices checked."""
    for name in given:
        if name not in table:
            raise model.OptionError(prefix + str(name), "there is no such option.%s" % did_you_mean(str(name), table))
    return {name: _checked(prefix + name, given.get(name), row) for name, row in table.items()}


def _checked(option: str, value: Any, row: Mapping[str, Any]) -> Any:
    return row.get("default") if value is None else _given(option, value, row)


def _given(option: str, value: Any, row: Mapping[str, Any]) -> Any:
    kinds: Any = _TYPES[row["type"]]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise model.OptionError(option, "must be of type %s, not %s." % (row["type"], type(value).__name__))
    if "choices" in row and "elements" not in row and value not in row["choices"]:
        choices = list(map(str, row["choices"]))
        raise model.OptionError(
            option, "must be one of %s.%s" % (", ".join(choices), did_you_mean(str(value), choices))
        )
    if "elements" in row:
        element = dict(row, type=row["elements"])
        del element["elements"]
        return [_given("%s[%d]" % (option, index), item, element) for index, item in enumerate(value)]
    if row.get("options"):
        return with_defaults(value, row["options"], option + ".")
    return value


def did_you_mean(name: str, known: Any) -> str:
    import difflib

    near = difflib.get_close_matches(name, list(known), 1)
    return " Did you mean %s?" % near[0] if near else ""


def build_request(host: str, given: Mapping[str, Any], now: float, check_mode: bool = False) -> model.Request:
    """Return the Request for one endpoint. `now` is the time of day. Raises OptionError."""
    options = with_defaults(given, OPTIONS)
    warnings: List[str] = []
    lmtp = options["protocol"] == "lmtp"
    tls = options["tls"] or ("none" if lmtp else "starttls")
    default_port = 24 if lmtp else 465 if tls == "implicit" else 25
    port = default_port if options["port"] is None else options["port"]
    name = _host(host, lmtp)
    credentials = _credentials(options, tls)
    expect = _expect(options["expect"])
    sender, recipients = _envelope(options, expect, warnings)
    sending = options["send"]
    extra_commands = _extra_commands(options["extra_commands"] or ())
    if check_mode and (sending or extra_commands):
        unsent = ["the message"] * sending + ["extra_commands"] * bool(extra_commands)
        warnings.append("Check mode: %s not sent." % " and ".join(unsent))
    request = model.Request(
        host=name,
        port=_in_range("port", port, 1, 65535),
        connect_to=None,
        protocol=options["protocol"],
        address_family=options["address_family"],
        source_address=_source_address(options["source_address"]),
        ehlo_name=_ehlo_name(options["ehlo_name"]),
        tls=tls,
        validate_certs=options["validate_certs"],
        tls_policy=_tls_policy(options, tls, credentials),
        tls_server_name=_server_name(options["tls_server_name"], name, tls),
        credentials=credentials,
        auth_mechanisms=tuple(options["auth_mechanisms"]) if options["auth_mechanisms"] else None,
        allow_plaintext_auth=options["allow_plaintext_auth"],
        proxy_protocol=_proxy_protocol(options["proxy_protocol"]),
        xclient=_xclient(options["xclient"] or {}),
        extra_commands=() if check_mode else extra_commands,
        sender=sender,
        recipients=recipients,
        dsn=_dsn(options["dsn"]),
        chunking=options["chunking"],
        requiretls=options["requiretls"],
        prdr=options["prdr"],
        mail_parameters=_mail_parameters(options["mail_parameters"] or {}),
        message=_message(options, sender or "", recipients, now) if sending else None,
        send=sending,
        send_if=options["send_if"],
        check_mode=check_mode,
        stop_after=options["stop_after"] or "",
        timeout=_seconds("timeout", options["timeout"]),
        connect_timeout=_seconds("connect_timeout", options["connect_timeout"]),
        acceptance_timeout=_seconds("acceptance_timeout", options["acceptance_timeout"]),
        retry_for=_seconds("retry_for", options["retry_for"], 0),
        retry_interval=_seconds("retry_interval", options["retry_interval"]),
        expect=expect,
        survey=options["survey"],
        transcript=options["transcript"] or "always",
        warnings=tuple(warnings),
    )
    return request


def _in_range(option: str, value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise model.OptionError(option, "%d is out of range: give a number from %d to %d." % (value, low, high))
    return value


def _seconds(option: str, value: float, low: float = 0.001) -> float:
    if not low <= value <= 86400:  # nan is not, either
        raise model.OptionError(option, "%r will not do: give seconds, more than 0 and at most 86400." % value)
    return float(value)


def _clean(option: str, value: str) -> str:
    """Nothing that a caller gives may carry CR, LF, NUL or another control character to the wire."""
    if _CONTROL.search(value):
        raise model.OptionError(option, "holds CR, LF, NUL or another control character. Remove it.")
    return value


def _host(host: str, lmtp: bool) -> str:
    if not isinstance(host, str) or not host.strip():
        raise model.OptionError("host", "is empty. Give a host name or an IP address.")
    host = _clean("host", host)
    if host.startswith("/"):
        if not lmtp:
            raise model.OptionError("host", "'%s' is a path: only protocol lmtp talks to a Unix socket." % host)
        if len(os.fsencode(host)) > _UNIX_PATH_OCTETS:
            raise model.OptionError(
                "host", "is longer than the path of a socket may be (%d octets)." % _UNIX_PATH_OCTETS
            )
        return host
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if host.lower().startswith("ipv6:"):
        host = host[5:]
    if is_literal(host):
        return host
    if ":" in host:
        raise model.OptionError("host", "'%s' is no host name. Give the port by the option port." % host)
    name = _to_ascii("host", host)
    if not is_host_name(name):
        raise model.OptionError("host", "'%s' is no host name. Give a name as the DNS has it, or an IP address." % host)
    return name


def is_host_name(text: str) -> bool:
    """Whether the DNS may hold an address of this name (RFC 1123 2.1, with underscores)."""
    return len(text) <= 254 and _HOST_NAME.fullmatch(text) is not None


def _to_ascii(option: str, name: str) -> str:
    """Return the A-labels of an internationalised name (RFC 5890)."""
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        raise model.OptionError(option, "'%s' cannot be written as an internationalised domain name." % name) from None


def _server_name(given: Optional[str], host: str, tls: str) -> str:
    """The name a certificate is held against: without the dot that ends an absolute name."""
    name = host if given is None else _to_ascii("tls_server_name", _clean("tls_server_name", given))
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    name = name.rstrip(".").partition("%")[0]
    if given is not None and not (is_literal(name) or (_HOST_NAME.fullmatch(name) and len(name) < 254)):
        raise model.OptionError("tls_server_name", "'%s' is no host name." % given)
    if host.startswith("/") and given is None and tls != "none":
        raise model.OptionError("tls_server_name", "is needed: a Unix socket has no name to verify.")
    return name


def _source_address(address: Optional[str]) -> Optional[str]:
    if address is not None and not is_literal(address):
        raise model.OptionError("source_address", "'%s' is no IP address." % address)
    return address


def _ehlo_name(name: Optional[str]) -> Optional[str]:
    """The caller's, or the host's where it is a full name (RFC 5321 4.1.4); None means the socket's address."""
    if name is None:
        name = socket.gethostname()
        return name if "." in name and _EHLO_NAME.fullmatch(name) else None
    if not _EHLO_NAME.fullmatch(_clean("ehlo_name", name)):
        raise model.OptionError(
            "ehlo_name", "'%s' is neither a host name nor an address literal like [192.0.2.1]." % name
        )
    return name


def _tls_policy(
    options: Mapping[str, Any], tls: str, credentials: Optional[model.Credentials]
) -> Optional[model.TlsPolicy]:
    low, high = options["tls_min_version"], options["tls_max_version"]
    if high is not None and _TLS_VERSIONS.index(high) < _TLS_VERSIONS.index(low):
        raise model.OptionError("tls_max_version", "%s is lower than tls_min_version (%s)." % (high, low))
    if options["client_key"] and not options["client_cert"]:
        raise model.OptionError("client_key", "is of no use alone. Give client_cert too.")
    if tls == "none":
        return None
    # `opportunistic` only reports on a certificate, unless credentials are to follow.
    verify = options["validate_certs"] and (tls != "opportunistic" or credentials is not None)
    policy = model.TlsPolicy(
        ca_path=options["ca_path"],
        minimum=low,
        maximum=high,
        ciphers=options["tls_ciphers"],
        client_cert=options["client_cert"],
        client_key=options["client_key"],
        client_key_password=options["client_key_password"],
        verify=verify,
    )
    from .tls import prepare  # the ssl module is loaded only where it is used

    prepare(policy)
    if options["survey"] or "tls_versions_refused" in (options["expect"] or {}):
        from .probes import WEAK_TOO

        prepare(policy._replace(ciphers="ALL" + WEAK_TOO, verify=False))
    return policy


def _expect(given: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    if not given:
        return {}
    from .expectations import parse_expect

    return parse_expect(given)


def _credentials(options: Mapping[str, Any], tls: str) -> Optional[model.Credentials]:
    username, password, token = (options[name] for name in ("username", "password", "access_token"))
    if (password is not None or token is not None) and username is None:
        raise model.OptionError("username", "is needed where there is a password or an access_token.")
    if username is None and not options["auth_mechanisms"]:
        return None
    from . import sasl

    bare = _without_secret(options["auth_mechanisms"] or (), sasl.MECHANISMS)
    if password is not None and token is not None:
        raise model.OptionError("access_token", "and password exclude each other. Give one of them.")
    if username is not None and password is None and token is None and not bare:
        raise model.OptionError("password", "is needed where there is a username; or give an access_token.")
    if username is None and not bare:
        raise model.OptionError("auth_mechanisms", "need a username, with a password or an access_token.")
    if tls == "none" and not options["allow_plaintext_auth"]:
        text = "none would send the credentials in clear. Use starttls or implicit; or set allow_plaintext_auth."
        raise model.OptionError("tls", text)
    sasl.Exchange(username, password, token)  # refuses what no mechanism could carry
    return model.Credentials(username or "", password, token)


def _without_secret(names: Sequence[str], known: Mapping[str, Any]) -> bool:
    """Return whether one of the mechanisms named needs neither password nor token."""
    for name in names:
        if name.upper() not in known:
            hint = did_you_mean(name.upper(), known)
            raise model.OptionError(
                "auth_mechanisms", "'%s' is not known. Known: %s.%s" % (name, ", ".join(known), hint)
            )
    return any(known[name.upper()].needs in ("certificate", "nothing") for name in names)


def _envelope(
    options: Mapping[str, Any], expect: Mapping[str, Any], warnings: List[str]
) -> Tuple[Optional[str], Tuple[str, ...]]:
    sender, recipients = options["sender"], tuple(options["recipients"])
    if recipients and sender is None:
        raise model.OptionError("sender", "is needed where there are recipients; '' is the null reverse-path.")
    if options["send"] and not recipients:
        raise model.OptionError("recipients", "are needed to send a message.")
    if options["send"] and options["stop_after"]:
        raise model.OptionError("stop_after", "and send exclude each other.")
    if options["test_message"] and not options["send"]:
        warnings.append("test_message is not used: send is false.")
    if options["send"] and any(code >= 400 for code in expect.get("codes", {}).get("rcpt", ())):
        raise model.OptionError(
            "expect.codes.rcpt", "expects a refusal: with send it could let a message out. Set send to false."
        )
    if sender:
        _address("sender", sender, warnings)
    for recipient in recipients:
        _address("recipients", recipient, warnings)
    if options["stop_after"] in ("greeting", "ehlo", "tls", "auth"):
        return None, ()
    return sender, () if options["stop_after"] == "mail" else recipients


def _address(option: str, address: str, warnings: List[str]) -> None:
    """Refuse what could become another command or parameter; anything else passes as it is (RFC 5321 4.1.2)."""
    _clean(option, address)
    if len(address) > _MAX_ADDRESS:
        raise model.OptionError(option, "is longer than any relay takes (%d characters)." % _MAX_ADDRESS)
    if not address or re.search(r"[\s<>]", _QUOTED.sub("", address)):
        raise model.OptionError(option, "'%s' is no address. Give it bare: user@example.com, without <>." % address)
    local = address.rpartition("@")[0]
    if len(address.encode("utf-8", "replace")) > 254 or len(local.encode("utf-8", "replace")) > 64:
        warnings.append("%s: '%s' is longer than RFC 5321 4.5.3.1 allows (64 and 254 octets)." % (option, address))


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
_XCLIENT = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT")
# These change the session under our feet, or carry what has an option of its own.
_NOT_EXTRA = tuple(
    "ATRN AUTH BDAT BURL DATA EHLO ETRN HELO LHLO MAIL PROXY QUIT RCPT RSET SAML SEND SOML STARTTLS TURN X-EXPS "
    "XCLIENT XEXCH50".split()
)


def _mail_parameters(given: Mapping[str, Any]) -> Dict[str, Optional[str]]:
    parameters: Dict[str, Optional[str]] = {}
    for name, value in given.items():
        option, keyword = "mail_parameters.%s" % name, str(name).upper()
        if not _KEYWORD.fullmatch(keyword):
            raise model.OptionError("mail_parameters", "%r is no keyword (RFC 5321 4.1.2)." % name)
        if keyword in _OWN_PARAMETERS:
            raise model.OptionError(option, "is set by %s." % _OWN_PARAMETERS[keyword])
        if value is not None and not _VALUE.fullmatch(str(value)):
            raise model.OptionError(
                option, "holds what a parameter's value may not: a space, '=', or a control character."
            )
        parameters[keyword] = None if value is None else str(value)
    return parameters


def _dsn(dsn: Optional[Mapping[str, Any]]) -> Optional[Mapping[str, Any]]:
    if dsn is None:
        return None
    notify = dsn["notify"] or ()
    if "never" in notify and len(notify) > 1:
        raise model.OptionError("dsn.notify", "never excludes the others.")
    if dsn["envid"] and not re.fullmatch("[ -~]{1,100}", dsn["envid"]):
        raise model.OptionError("dsn.envid", "must be printable ASCII, 100 characters at most (RFC 3461 4.4).")
    return dsn


def _proxy_protocol(given: Optional[Mapping[str, Any]]) -> Optional[Mapping[str, Any]]:
    if given is None:
        return None
    if given["source_address"] is None:
        raise model.OptionError(
            "proxy_protocol.source_address", "is needed: the client's address as the relay is to see it."
        )
    for name in ("source_address", "destination_address"):
        if given[name] is not None and (not is_literal(given[name]) or "%" in given[name]):
            raise model.OptionError("proxy_protocol.%s" % name, "'%s' is no IP address." % given[name])
    for name in ("source_port", "destination_port"):
        _in_range("proxy_protocol.%s" % name, given[name] or 0, 0, 65535)
    return given


def _xclient(given: Mapping[str, Any]) -> Dict[str, str]:
    attributes = {}
    for name, value in given.items():
        if str(name).upper() not in _XCLIENT:
            raise model.OptionError("xclient.%s" % name, "is no attribute. Known: %s." % ", ".join(_XCLIENT))
        attributes[str(name).upper()] = _clean("xclient.%s" % name, str(value))
    return attributes


def _extra_commands(given: Sequence[str]) -> Tuple[str, ...]:
    for index, text in enumerate(given):
        option = "extra_commands[%d]" % index
        # Some servers end the verb where its letters end, whatever follows.
        verb = re.match("[A-Z0-9-]*", _clean(option, text).strip().upper())
        if not verb or not verb.group() or not text.isascii():
            raise model.OptionError(option, "is not a command in ASCII. Give one such as 'VRFY postmaster'.")
        if verb.group() in _NOT_EXTRA:
            raise model.OptionError(option, "%s is refused here: it would change the session." % verb.group())
        if len(text) > 510:
            raise model.OptionError(option, "is longer than a command line may be (RFC 5321 4.5.3.1.4).")
    return tuple(text.strip() for text in given)


def _message(options: Mapping[str, Any], sender: str, recipients: Tuple[str, ...], now: float) -> Any:
    from .message import build_message

    domain = sender.rpartition("@")[2] or socket.gethostname()
    domain = domain if _EHLO_NAME.fullmatch(domain) else "localhost"
    return build_message(options["test_message"] or {}, sender, recipients, domain, now, os.urandom(16).hex())
